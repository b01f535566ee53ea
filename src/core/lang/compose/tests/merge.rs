//! Golden semantics of the merges: `!reference`, `extends`, `default`, `inherit`.

use super::{show, value};

#[test]
fn extends_merges_mappings_and_replaces_the_rest() {
    let base = ".a: {script: [a1, a2], variables: {X: 1, Y: 1}, image: a}\n\
                .b: {variables: {Y: 2, Z: 2}, image: {name: b}, tags: [b]}\n";
    let table = [
        // Arrays are replaced, mappings merged, the job itself wins.
        (
            "j: {extends: .a, script: [j], variables: {X: 9}}",
            r#"{script: ["j"], variables: {X: 9, Y: 1}, image: "a", extends: ".a"}"#,
        ),
        // Of several bases the later wins; a mapping replaces a scalar.
        (
            "j: {extends: [.a, .b]}",
            r#"{script: ["a1", "a2"], variables: {X: 1, Y: 2, Z: 2}, image: {name: "b"}, tags: ["b"], extends: [".a", ".b"]}"#,
        ),
        (
            "j: {extends: [.b, .a]}",
            r#"{variables: {Y: 1, Z: 2, X: 1}, image: "a", tags: ["b"], script: ["a1", "a2"], extends: [".b", ".a"]}"#,
        ),
        // Null deletes what the base says.
        (
            "j: {extends: .a, variables: null, image: null}",
            r#"{script: ["a1", "a2"], variables: null, image: null, extends: ".a"}"#,
        ),
        // Levels: the nearest wins, and `extends` itself is the job's own.
        (
            ".m: {extends: .a, image: m}\nj: {extends: .m, variables: {Y: 3}}",
            r#"{script: ["a1", "a2"], variables: {X: 1, Y: 3}, image: "m", extends: ".m"}"#,
        ),
        // A visible job can be a base, also when it stands below.
        (
            "j: {extends: k}\nk: {script: k}",
            r#"{script: "k", extends: "k"}"#,
        ),
        // A null `extends` extends nothing.
        (
            "j: {extends: null, script: j}",
            r#"{extends: null, script: "j"}"#,
        ),
    ];
    for (jobs, expected) in table {
        assert_eq!(value(&format!("{base}{jobs}"), "j"), expected, "{jobs}");
    }
}

#[test]
fn references_are_values_of_the_merged_tree() {
    let table = [
        (
            ".s: {script: [a, b]}\nj: {script: [!reference [.s, script], c]}",
            r#"{script: [["a", "b"], "c"]}"#,
        ),
        (
            ".v: {variables: {A: 1}}\nj: {variables: !reference [.v, variables], script: x}",
            r#"{variables: {A: 1}, script: "x"}"#,
        ),
        (
            ".v: {variables: {A: 1}}\nj: {variables: {B: !reference [.v, variables, A]}, script: x}",
            r#"{variables: {B: 1}, script: "x"}"#,
        ),
        // References lead on, also by way of another one.
        (
            ".a: {script: [1]}\n.b: {script: [!reference [.a, script]]}\n.c: !reference [.b]\nj: {script: !reference [.c, script]}",
            "{script: [[1]]}",
        ),
        // Before `extends`: the base holds the value, not the reference.
        (
            ".r: {rules: [{if: $A}]}\n.b: {rules: [!reference [.r, rules]], script: x}\nj: {extends: .b}",
            r#"{rules: [[{if: "$A"}]], script: "x", extends: ".b"}"#,
        ),
        // Into another key of the same job.
        (
            "j: {script: [x], after_script: [!reference [j, script]]}",
            r#"{script: ["x"], after_script: [["x"]]}"#,
        ),
    ];
    for (text, expected) in table {
        assert_eq!(value(text, "j"), expected, "{text}");
    }
}

#[test]
fn default_fills_whole_keys_that_are_missing() {
    let default =
        "default: {image: d, tags: [d], retry: 1, before_script: [d], interruptible: true}\n";
    let table = [
        (
            "j: {script: x, image: {name: j}}",
            r#"{script: "x", image: {name: "j"}, before_script: ["d"], tags: ["d"], retry: 1, interruptible: true}"#,
        ),
        // An empty list says something, null doesn't.
        (
            "j: {script: x, before_script: [], tags: null}",
            r#"{script: "x", before_script: [], tags: ["d"], image: "d", retry: 1, interruptible: true}"#,
        ),
        (
            "j: {script: x, inherit: {default: false}}",
            r#"{script: "x", inherit: {default: false}}"#,
        ),
        (
            "j: {script: x, inherit: {default: [image, retry]}}",
            r#"{script: "x", inherit: {default: ["image", "retry"]}, image: "d", retry: 1}"#,
        ),
        // After `extends`: a base comes before the default.
        (
            ".b: {image: b, tags: [b]}\nj: {extends: .b, script: x, before_script: [j], inherit: {default: [image, tags]}}",
            r#"{image: "b", tags: ["b"], extends: ".b", script: "x", before_script: ["j"], inherit: {default: ["image", "tags"]}}"#,
        ),
        (
            "j: {trigger: a/b}",
            r#"{trigger: "a/b", interruptible: true}"#,
        ),
        (
            "j: {index: {image: i}}",
            r#"{index: {image: "i"}, retry: 1, interruptible: true}"#,
        ),
    ];
    for (jobs, expected) in table {
        assert_eq!(value(&format!("{default}{jobs}"), "j"), expected, "{jobs}");
    }
}

#[test]
fn global_keywords_are_defaults_too() {
    let text =
        "image: g\nbefore_script: [g]\nj: {script: x}\nk: {script: x, inherit: {default: false}}";
    assert_eq!(
        value(text, "j"),
        r#"{script: "x", image: "g", before_script: ["g"]}"#
    );
    assert_eq!(
        value(text, "k"),
        r#"{script: "x", inherit: {default: false}}"#
    );
    // A job may be called `image`, as long as it can be told from the keyword.
    let text = "default: {retry: 1}\nimage: {index: {image: i}}\nj: {script: x}";
    assert_eq!(value(text, "image"), r#"{index: {image: "i"}, retry: 1}"#);
    assert_eq!(value(text, "j"), r#"{script: "x", retry: 1}"#);
}

#[test]
fn mistakes_of_extends_and_reference() {
    let deep: String = (0..12)
        .map(|level| format!(".l{level}: {{extends: .l{}}}\n", level + 1))
        .chain([".l12: {script: x}\nj: {script: x}\n".to_owned()])
        .collect();
    let long: String = (0..11)
        .map(|level| format!(".r{level}: {{k: !reference [.r{}, k]}}\n", level + 1))
        .chain([".r11: {k: x}\nj: {script: !reference [.r0, k]}\n".to_owned()])
        .collect();
    let table = [
        ".build: {script: x}\nj: {extends: .biuld}\n",
        "j: {extends: [.a, 1]}\n.a: {script: x}\n",
        ".a: [x]\nj: {extends: .a}\n",
        ".a: {extends: .b}\n.b: {extends: .a}\nj: {extends: .a, script: x}\n",
        "j: {extends: j}\n",
        "variables: {A: 1}\nj: {extends: variables}\n",
        &deep,
        ".s: {script: [x]}\nj: {script: !reference [.s, scirpt]}\n",
        "j: {script: !reference [.none, script]}\n",
        "j: {script: !reference [j, script]}\n",
        ".a: {k: null, l: false}\nj: {script: [!reference [.a, k], !reference [.a, l]]}\n",
        "j: {script: [!reference [], !reference [[a], b]]}\n",
        &long,
    ];
    let shown = table.map(|text| format!("{text}=>\n{}", show(text)));
    insta::assert_snapshot!(shown.join("\n"));
}
