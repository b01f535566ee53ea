use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::{
    lang::{expr::Scope, model::Inherit},
    plan::{PlanVariable, VariableOrigin},
};

fn variable(key: &str, value: &str, origin: VariableOrigin) -> PlanVariable {
    PlanVariable {
        key: key.into(),
        value: value.into(),
        origin,
        raw: false,
        file: false,
        secret: false,
    }
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

fn layer(values: &[(&str, &str)], origin: VariableOrigin) -> Layer {
    values
        .iter()
        .map(|(key, value)| ((*key).into(), Entry::plain(*value, origin)))
        .collect()
}

#[test]
fn a_runner_expands_like_go() {
    let lookup = |name: &str| match name {
        "A" => Some("a"),
        "DEEP" => Some("$A"),
        _ => None,
    };
    let table = [
        ("$A-${A}", "a-a"),
        ("$DEEP", "$A"),
        ("$UNKNOWN/x", "/x"),
        ("$$A", "$A"),
        ("$$$A", "$a"),
        ("%A%", "%A%"),
        ("100%", "100%"),
        ("a$", "a$"),
        ("$(date)", "$(date)"),
        ("${A", "A"),
        ("${A:-x}", ""),
        ("$1x", "x"),
        ("$A_B", ""),
        ("é$Aé", "éaé"),
        ("", ""),
    ];
    for (text, expected) in table {
        assert_eq!(expand_runner(text, lookup), expected, "{text}");
    }
}

#[test]
fn origins_rank_and_the_last_of_one_wins() {
    use VariableOrigin::{Global, Job, Pipeline, Predefined, Project};
    let plan = [
        variable("V", "predefined", Predefined),
        variable("V", "global", Global),
        variable("P", "job", Job),
        variable("P", "project", Project),
        variable("D", "job", Job),
        variable("E", "pipeline", Pipeline),
        variable("CI_JOB_ID", "mine", Job),
    ];
    let persisted = pairs(&[("CI_JOB_ID", "7"), ("CI_PIPELINE_ID", "3")]);
    let dotenv = pairs(&[("D", "dotenv"), ("P", "dotenv"), ("E", "dotenv")]);
    let known = Known {
        persisted: &persisted,
        dotenv: &dotenv,
        secrets: None,
    };
    let leased = at_lease(&plan, known).unwrap();
    let values: Vec<_> = leased
        .iter()
        .map(|v| (v.key.as_str(), v.value.as_str()))
        .collect();
    assert_eq!(
        values,
        [
            ("CI_PIPELINE_ID", "3"),
            ("V", "global"),
            ("CI_JOB_ID", "mine"),
            ("D", "dotenv"),
            ("P", "project"),
            ("E", "pipeline"),
        ]
    );
}

#[test]
fn a_lease_expands_what_it_knows_and_leaves_the_rest_to_the_runner() {
    let mut raw = variable("RAW", "x$A", VariableOrigin::Job);
    raw.raw = true;
    let mut file = variable("FILE", "content", VariableOrigin::Project);
    file.file = true;
    let plan = [
        raw,
        file,
        variable("A", "a", VariableOrigin::Global),
        variable("B", "$C/%A%/${A}", VariableOrigin::Job),
        variable("C", "${A}c", VariableOrigin::Job),
        variable("LATER", "$CI_PROJECT_DIR/$A", VariableOrigin::Job),
        variable("ESCAPED", "$$A", VariableOrigin::Job),
        variable("REFS", "$RAW $FILE", VariableOrigin::Job),
        variable("ID", "job-$CI_JOB_ID", VariableOrigin::Job),
    ];
    let persisted = pairs(&[("CI_JOB_ID", "7")]);
    let leased = at_lease(
        &plan,
        Known {
            persisted: &persisted,
            ..Known::default()
        },
    )
    .unwrap();
    let value = |key: &str| leased.iter().find(|v| v.key == key).unwrap().value.as_str();
    assert_eq!(value("RAW"), "x$A");
    assert_eq!(value("B"), "ac/a/a");
    assert_eq!(value("LATER"), "$CI_PROJECT_DIR/a");
    assert_eq!(value("ESCAPED"), "$$A");
    assert_eq!(value("REFS"), "$RAW $FILE");
    assert_eq!(value("ID"), "job-7");

    let mut all: Vec<_> = leased
        .iter()
        .map(|v| RunnerVariable {
            key: &v.key,
            value: if v.file { "/tmp/FILE" } else { &v.value },
            raw: v.raw || v.file,
        })
        .collect();
    all.push(RunnerVariable {
        key: "CI_PROJECT_DIR",
        value: "/builds/x",
        raw: true,
    });
    let done = expand_all_runner(&all);
    assert_eq!(done["LATER"], "/builds/x/a");
    assert_eq!(done["ESCAPED"], "$A");
    assert_eq!(done["REFS"], "x$A /tmp/FILE");
}

#[test]
fn secrets_come_by_name_and_never_print() {
    let mut secret = variable("TOKEN", "", VariableOrigin::Project);
    secret.secret = true;
    let plan = [
        secret,
        variable("AUTH", "Bearer $TOKEN", VariableOrigin::Job),
    ];
    assert_eq!(
        at_lease(&plan, Known::default()),
        Err(LeaseError::MissingSecrets(vec!["TOKEN".into()]))
    );
    let secrets = BTreeMap::from([("TOKEN".to_owned(), "hunter22".to_owned())]);
    let leased = at_lease(
        &plan,
        Known {
            secrets: Some(&secrets),
            ..Known::default()
        },
    )
    .unwrap();
    let token = leased.iter().find(|v| v.key == "TOKEN").unwrap();
    assert_eq!((token.value.as_str(), token.masked), ("hunter22", true));
    assert!(!format!("{token:?}").contains("hunter22"));
    assert!(leased.iter().any(|v| v.value == "Bearer hunter22"));
}

#[test]
fn circles_are_found_also_when_a_dotenv_report_closes_them() {
    let plan = [
        variable("A", "$B", VariableOrigin::Job),
        variable("B", "x", VariableOrigin::Global),
    ];
    let dotenv = pairs(&[("B", "$A")]);
    let error = at_lease(
        &plan,
        Known {
            dotenv: &dotenv,
            ..Known::default()
        },
    )
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "values refer to each other in a circle: A -> B -> A"
    );
    let own = [variable("PATH", "$PATH:/x", VariableOrigin::Job)];
    assert_eq!(
        at_lease(&own, Known::default()).unwrap()[0].value,
        "$PATH:/x"
    );
}

#[test]
fn growth_is_bounded() {
    let mut plan = vec![variable("V0", "xxxxxxxx", VariableOrigin::Job)];
    for at in 1..60 {
        let value = format!("$V{0}$V{0}", at - 1);
        plan.push(variable(&format!("V{at}"), &value, VariableOrigin::Job));
    }
    assert!(matches!(
        at_lease(&plan, Known::default()),
        Err(LeaseError::Expansion(ExpansionError::TooLarge(_)))
    ));
    let chain: Vec<_> = (0..100_000)
        .map(|at| {
            variable(
                &format!("V{at}"),
                &format!("$V{}", at + 1),
                VariableOrigin::Job,
            )
        })
        .collect();
    assert!(matches!(
        at_lease(&chain, Known::default()),
        Err(LeaseError::Expansion(ExpansionError::TooDeep(_)))
    ));
}

#[test]
fn conditions_see_the_winner_expanded() {
    use VariableOrigin::{Global, Job, Pipeline, Predefined};
    let pipeline = PipelineScope::new(
        layer(
            &[("CI", "true"), ("P", "predefined"), ("REF", "main")],
            Predefined,
        ),
        layer(
            &[
                ("G", "global"),
                ("P", "global"),
                ("NESTED", "$J/$UNDEFINED$REF"),
            ],
            Global,
        ),
        layer(&[("J2", "given")], Pipeline),
    );
    let mut scope = JobScope::new(&pipeline, &Inherit::All);
    scope.own = layer(&[("J", "$G-job"), ("J2", "job"), ("ESC", "$$x")], Job);
    let value = |name: &str| scope.value(name).map(std::borrow::Cow::into_owned);
    assert_eq!(value("J").as_deref(), Some("global-job"));
    assert_eq!(value("J2").as_deref(), Some("given"));
    assert_eq!(value("NESTED").as_deref(), Some("global-job/main"));
    assert_eq!(value("ESC").as_deref(), Some("$$x"));
    assert_eq!(value("NONE"), None);
    assert_eq!(scope.check(&pipeline.referring()), Ok(()));
    assert_eq!(scope.expand("x/$J/%REF%/$NONE"), "x/global-job/main/$NONE");
    let plan = scope.to_plan();
    assert_eq!(pipeline.to_plan().len(), 3);
    let keys: Vec<&str> = plan.iter().map(|variable| &*variable.key).collect();
    assert_eq!(keys, ["G", "P", "NESTED", "J", "ESC", "J2"]);

    let only = Inherit::Only(vec!["G".into()]);
    let scope = JobScope::new(&pipeline, &only);
    assert_eq!(scope.value("P").as_deref(), Some("predefined"));
    assert_eq!(scope.value("G").as_deref(), Some("global"));
    let none = JobScope::new(&pipeline, &Inherit::None);
    assert_eq!(none.value("G"), None);
    assert_eq!(none.to_plan().len(), 1);
}

#[test]
fn names_never_show_a_secret() {
    let mut given = layer(&[("T", "hunter22")], VariableOrigin::Project);
    given["T"].secret = true;
    let pipeline = PipelineScope::new(Layer::default(), Layer::default(), given);
    let mut scope = JobScope::new(&pipeline, &Inherit::All);
    scope.own = layer(&[("N", "x-$T")], VariableOrigin::Job);
    assert_eq!(scope.value("N").as_deref(), Some("x-hunter22"));
    assert_eq!(scope.expand("review/$T/$N"), "review/$T/$N");
    assert_eq!(&*scope.to_plan().last().unwrap().value, "");
}

proptest! {
    #[test]
    fn expansion_ends(values in prop::collection::vec("[$%A-F{}x]{0,12}", 6)) {
        let plan: Vec<_> = "ABCDEF"
            .chars()
            .zip(&values)
            .map(|(name, value)| variable(&name.to_string(), value, VariableOrigin::Job))
            .collect();
        if let Ok(leased) = at_lease(&plan, Known::default()) {
            let all: Vec<_> = leased.iter().map(|v| RunnerVariable { key: &v.key, value: &v.value, raw: v.raw }).collect();
            prop_assert_eq!(expand_all_runner(&all).len(), 6);
        }
    }

    #[test]
    fn text_without_references_is_its_own_expansion(text in "[^$]{0,40}") {
        prop_assert_eq!(expand_runner(&text, |_| None), text);
    }
}
