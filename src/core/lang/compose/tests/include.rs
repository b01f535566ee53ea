//! `include`: order, merge, wildcards, rules, and what can go wrong.

use super::Repository;

#[test]
fn later_files_win_and_the_including_file_wins_over_all() {
    let repository = Repository::new(&[
        (
            ".gitlab-ci.yml",
            "include: [a.yml, {local: /ci/b.yml}]\nvariables: {C: root}\nj: {script: root, tags: [root]}\n",
        ),
        (
            "a.yml",
            "variables: {A: a, B: a, C: a}\nj: {script: a, image: a, tags: [a]}\n",
        ),
        (
            "ci/b.yml",
            "include: {local: ci/c.yml}\nvariables: {B: b}\nj: {image: b}\nk: {script: b}\n",
        ),
        (
            "ci/c.yml",
            "variables: {B: c, D: c}\nk: {script: c, tags: [c]}\n",
        ),
    ]);
    insta::assert_snapshot!(repository.show());
}

#[test]
fn wildcards_take_their_files_in_order() {
    let files = [
        (".gitlab-ci.yml", "include: 'ci/**.yml'\n"),
        ("ci/b.yml", "b: {script: b}\nx: {script: b}\n"),
        ("ci/a.yml", "a: {script: a}\nx: {script: a}\n"),
        ("ci/sub/c.yml", "c: {script: c}\n"),
        ("ci/no.txt", "not: read\n"),
    ];
    insta::assert_snapshot!(Repository::new(&files).show());
}

#[test]
fn variables_and_rules_decide_what_is_included() {
    let entry = "
include:
  - local: ci/$FLAVOUR.yml
  - local: on.yml
    rules: [{if: $FLAVOUR == 'mild'}]
  - local: off.yml
    rules: [{if: $FLAVOUR == 'hot'}]
  - local: never.yml
    rules: [{exists: [ci/*.yml], when: never}, {when: always}]
  - local: exists.yml
    rules: [{exists: [none.yml]}, {exists: [ci/mild.yml]}]
  - local: changes.yml
    rules: [{changes: [src/**/*]}]
variables: {FLAVOUR: yaml-variables-are-not-seen}
";
    let files = [
        (".gitlab-ci.yml", entry),
        ("ci/mild.yml", "mild: {script: x}\n"),
        ("on.yml", "on_job: {script: x}\n"),
        ("off.yml", "off_job: {script: x}\n"),
        ("never.yml", "never_job: {script: x}\n"),
        ("exists.yml", "exists_job: {script: x}\n"),
        ("changes.yml", "changes_job: {script: x}\n"),
    ];
    let mut repository = Repository::new(&files).variable("FLAVOUR", "mild");
    // Without a diff `changes` holds.
    insta::assert_snapshot!(repository.show());
    repository.context.changes = Some(std::sync::Arc::from(["docs/x".to_owned()]));
    assert!(repository.compose().root.get("changes_job").is_none());
    repository.context.changes = Some(std::sync::Arc::from(["src/a/b.rs".to_owned()]));
    assert!(repository.compose().root.get("changes_job").is_some());
}

#[test]
fn anchors_end_with_their_file() {
    let files = [
        (".gitlab-ci.yml", "include: a.yml\nj: {script: *x}\n"),
        ("a.yml", ".x: &x [a]\nk: {script: *x}\n"),
    ];
    insta::assert_snapshot!(Repository::new(&files).show());
}

#[test]
fn mistakes_of_include() {
    let table: [&[(&str, &str)]; 8] = [
        &[
            (
                ".gitlab-ci.yml",
                "include:\n  - ci/buidl.yml\n  - {local: gone.yml}\n  - {template: Gone.gitlab-ci.yml}\nj: {script: x}\n",
            ),
            ("ci/build.yml", "k: {script: x}\n"),
        ],
        &[(
            ".gitlab-ci.yml",
            "include:\n  - {project: a/b, file: x.yml, ref: main}\n  - {remote: 'https://example.com/x.yml', integrity: sha256-L3/GAoKaw0Arw6hDCKeKQlV1QPEgHYxGBHsH4zG1IY8=}\n  - component: $CI_SERVER_FQDN/a/b/c@1.0\n",
        )],
        &[(
            ".gitlab-ci.yml",
            "include:\n  - {project: /a/b, file: x.yml}\n  - {project: a/b}\n  - {file: x.yml}\n  - {remote: ftp://x/y.yml}\n  - {component: x}\n  - {artifact: x.yml, job: j}\n  - {local: a.txt}\n  - {local: ../a.yml}\n  - {local: a.yml, cache: true}\n  - {lcoal: a.yml}\n  - {local: a.yml, template: b.yml}\n  - 1\n  - {local: 1}\n  - {local: a.yml, inputs: 1, ruels: []}\n",
        )],
        &[
            (".gitlab-ci.yml", "include: a.yml\nj: {script: x}\n"),
            ("a.yml", "include: b.yml\n"),
            ("b.yml", "include: a.yml\n"),
        ],
        &[(
            ".gitlab-ci.yml",
            "include: .gitlab-ci.yml\nj: {script: x}\n",
        )],
        &[
            (
                ".gitlab-ci.yml",
                "include: [empty.yml, list.yml, syntax.yml, 'none/*.yml']\nj: {script: x}\n",
            ),
            ("empty.yml", "# nothing\n"),
            ("list.yml", "- a\n"),
            ("syntax.yml", "a: b: c\n"),
        ],
        &[
            (
                ".gitlab-ci.yml",
                "include:\n  - {local: a.yml, rules: []}\n  - {local: a.yml, rules: [{if: '$A ='}, {fi: $A}, {when: manual}, 1]}\nj: {script: x}\n",
            ),
            ("a.yml", "k: {script: x}\n"),
        ],
        &[(".gitlab-ci.yml", "\n")],
    ];
    let shown = table.map(|files| {
        let texts = files
            .iter()
            .map(|(path, text)| format!("# {path}\n{text}"))
            .collect::<Vec<_>>()
            .concat();
        format!("{texts}=>\n{}", Repository::new(files).show())
    });
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn a_missing_entry_file_has_no_place() {
    insta::assert_snapshot!(Repository::new(&[]).show());
}

#[test]
fn at_most_150_files_are_included() {
    let includes =
        |count: usize| format!("include: [{}]\nj: {{script: x}}\n", "a.yml, ".repeat(count));
    let a = ("a.yml", "k: {script: x}\n");
    let fits = includes(150);
    assert!(
        Repository::new(&[(".gitlab-ci.yml", &fits), a])
            .compose()
            .complete
    );
    let many = includes(400);
    let composed = Repository::new(&[(".gitlab-ci.yml", &many), a]).compose();
    let codes: Vec<_> = composed
        .diagnostics
        .iter()
        .map(|found| found.code)
        .collect();
    assert_eq!(codes, ["include-too-many"]);
}
