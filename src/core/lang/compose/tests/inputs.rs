//! `spec:inputs` and interpolation through whole files.

use super::Repository;

#[test]
fn a_whole_scalar_keeps_its_type_and_a_part_is_text() {
    let a = r#"
spec:
  inputs:
    name: {default: unit}
    count: {type: number, default: 3}
    flag: {type: boolean, default: true}
    tags: {type: array, default: [a, b]}
    rules: {type: array, default: [{if: $A}]}
---
"$[[ inputs.name ]]-job":
  parallel: $[[ inputs.count ]]
  interruptible: $[[inputs.flag]]
  tags: $[[ inputs.tags ]]
  rules: $[[ inputs.rules ]]
  script:
    - run $[[ inputs.name ]] $[[ inputs.count ]] $[[ inputs.flag ]] $[[ inputs.tags ]]
    - 'case "$[[ inputs.name | truncate(0,2) | posix_escape ]]" in'
    - |
      $[[ inputs.name ]]
  image: [$[[ inputs.name ]], "$[[ inputs.count ]]"]
  needs: [{job: x, parallel: {matrix: [{A: ['$[[ matrix.A ]]']}]}}]
"#;
    let files = [(".gitlab-ci.yml", "include: a.yml\n"), ("a.yml", a)];
    insta::assert_snapshot!(Repository::new(&files).show());
}

#[test]
fn each_use_of_a_file_has_inputs_of_its_own() {
    let files = [
        (
            ".gitlab-ci.yml",
            "include:\n  - {local: a.yml, inputs: {env: test}}\n  - {local: a.yml, inputs: {env: prod, n: 2}}\n",
        ),
        (
            "a.yml",
            "spec:\n  inputs:\n    env: {options: [test, prod]}\n    n: {type: number, default: 1}\n---\n\
             deploy-$[[ inputs.env ]]:\n  script: deploy $[[ inputs.env ]]\n  parallel: $[[ inputs.n ]]\n",
        ),
    ];
    insta::assert_snapshot!(Repository::new(&files).show());
}

#[test]
fn the_entry_file_takes_its_inputs_from_outside() {
    let entry = "spec: {inputs: {s: {}, n: {type: number}, b: {type: boolean}, a: {type: array}}}\n---\n\
                 j: {script: [$[[ inputs.s ]], $[[ inputs.n ]], $[[ inputs.b ]], $[[ inputs.a ]]]}\n";
    let repository = Repository::new(&[(".gitlab-ci.yml", entry)]);
    let given = repository
        .input("s", "1")
        .input("n", "1.5")
        .input("b", "true")
        .input("a", "[x, 1]");
    insta::assert_snapshot!(given.show());
}

#[test]
fn rules_of_inputs_choose_options_and_default() {
    let a = "spec:
  inputs:
    cloud: {default: aws}
    size:
      rules:
        - if: $[[ inputs.cloud ]] == 'aws'
          options: [t3, m5]
          default: t3
        - options: [e2]
          default: e2
---
$[[ inputs.cloud ]]: {script: $[[ inputs.size ]]}
";
    let entry = "include: [a.yml, {local: a.yml, inputs: {cloud: gcp}}]\n";
    let files = [(".gitlab-ci.yml", entry), ("a.yml", a)];
    insta::assert_snapshot!(Repository::new(&files).show());
}

#[test]
fn functions_see_the_variables_that_exist_before_the_pipeline() {
    let a = "spec: {inputs: {p: {default: '$WHERE/${WHAT}-$NONE'}, l: {default: 'a, b'}}}\n---\n\
             j: {script: '$[[ inputs.p | expand_vars ]]', tags: $[[ inputs.l | split(',') ]]}\n";
    let files = [(".gitlab-ci.yml", "include: a.yml\n"), ("a.yml", a)];
    let repository = Repository::new(&files)
        .variable("WHERE", "here")
        .variable("WHAT", "$WHERE");
    insta::assert_snapshot!(repository.show());
}

#[test]
fn blocks_of_a_file_without_header_stay_as_they_are() {
    let text = "j: {script: ['$[[ inputs.x ]]', x$[[ a.b ]]y]}\n$[[ inputs.y ]]: {script: x}\n";
    insta::assert_snapshot!(super::show(text));
}

#[test]
fn mistakes_of_inputs() {
    let spec = "spec:
  inputs:
    env: {options: [test, prod], default: test}
    must:
    num: {type: number, default: 1}
    re: {regex: ^v\\d+$, default: v1}
---
j: {script: x}
";
    let table: [&[(&str, &str)]; 7] = [
        &[
            (
                ".gitlab-ci.yml",
                "include:\n  - {local: a.yml, inputs: {env: dev, must: 1, num: x, re: x, evn: x}}\n  - a.yml\n",
            ),
            ("a.yml", spec),
        ],
        &[
            (
                ".gitlab-ci.yml",
                "include: {local: a.yml, inputs: {x: 1}}\n",
            ),
            ("a.yml", "j: {script: x}\n"),
        ],
        &[(
            ".gitlab-ci.yml",
            "spec: {inputs: {x: {default: a}}}\n---\nj: {script: ['$[[ inputs.y ]]', '$[[ inputs.x | up ]]', '$[[ x ]]', '$[[ inputs.x | truncate(0,1) | truncate(0,1) | truncate(0,1) | truncate(0,1) ]]']}\n",
        )],
        &[(
            ".gitlab-ci.yml",
            "spec:\n  inputs:\n    a: {default: 1}\n    b: {type: object}\n    c: {tpye: string}\n    d: {type: number, regex: x}\n    e: {regex: '('}\n    f: {default: x, options: [y]}\n    g: {default: x, regex: y}\n    h/i: {default: x}\n    j: 1\n    k: {options: []}\n    l: {default: a, rules: [{if: $X}, {default: b, options: [c]}]}\n  include: x\n  component: [nmae]\n---\nj: {script: x}\n",
        )],
        &[(
            ".gitlab-ci.yml",
            "spec: {inputs: {x: {default: a}}}\nj: {script: x}\n",
        )],
        &[(
            ".gitlab-ci.yml",
            "spec: {inptus: {}}\nx: 1\n---\nj: {script: x}\n",
        )],
        &[(".gitlab-ci.yml", "j: {script: x}\n---\nk: {script: x}\n")],
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
