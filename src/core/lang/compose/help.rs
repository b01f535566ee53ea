//! The way out of what goes wrong while files are joined, by code. Where the check itself knows better, it says so.

use crate::diag::Diagnostic;

/// Adds a way out to a finding without one.
pub(super) fn complete(problem: &mut Diagnostic) {
    if problem.help.is_none() {
        problem.help = of(problem.code).map(str::to_owned);
    }
}

fn of(code: &str) -> Option<&'static str> {
    Some(match code {
        "compare-to" => "name a branch, a tag or a commit of this repository",
        "expression" => "compare as in `$NAME == \"text\"`, and join conditions with `&&` and `||`",
        "extends-cycle" => "remove one of these `extends`",
        "extends-not-a-job" => "name a job, or take a part of it with `!reference [job, key]`",
        "extends-too-deep" => "let the job extend one of the lower bases directly",
        "extends-type" => {
            "write the name of a job or a list of names; quote one that looks like a number"
        }
        "file-empty" => "write a job into it, or don't include it",
        "include-artifact" => {
            "include the file of an artifact where a child pipeline is started: `trigger: {include: …}`"
        }
        "include-context" => {
            "include files that ship with the program, or move the template into the repository"
        }
        "include-cycle" => "remove one of these includes",
        "include-form" => "begin each file with a `-` of its own",
        "include-no-match" => {
            "the pattern starts at the root of the repository; `**` spans folders"
        }
        "include-path" => "the path starts at the root of the repository",
        "include-project" => "write `project: group/name` and `file: path.yml`",
        "include-rules" => {
            "write a list of rules with `if`, `changes` or `exists`, each with `when: always` or `never`"
        }
        "include-type" => {
            "write `include: path.yml`, or a list of entries such as `- local: path.yml`"
        }
        "input-description" => "say in a sentence what the input is for",
        "input-default" | "input-value" => "change the value, or what `spec:inputs` says of it",
        "input-name" => "use letters, digits, `-` and `_`",
        "input-options" => "list what may be chosen, or remove `options`",
        "input-regex" => "remove it, or make the input a string; the syntax is RE2's",
        "input-rules" => {
            "give each rule its `default`, and move `default` and `options` of the input into rules"
        }
        "input-type" => "write one of these, or remove `type` for a string",
        "interpolation" => "write it as `$[[ inputs.name ]]` or `$[[ inputs.name | function ]]`",
        "reference-cycle" => "write the value out in one of the places",
        "reference-missing" => "name a key that is there, or remove the reference",
        "reference-too-deep" => "refer to the value itself instead of to another reference",
        "spec-component" => "write a list, or remove it",
        "spec-type" => "write `key: value` lines below it",
        "unknown-keyword" => "remove it, or move it to where it belongs",
        "yaml-documents" => "remove the rest, or make a file of its own of it",
        _ => return None,
    })
}
