//! A push to a bare repository becomes a pipeline, without any hook.

use crate::rig::Rig;

const PIPELINE: &str = r#"
stages: [build, test]
build:
  stage: build
  before_script:
    - echo "VERSION=7" > version.env
  script:
    - mkdir out && echo data > out/file
  artifacts:
    paths: [out/]
    reports: {dotenv: version.env}
test:
  stage: test
  needs: [build]
  script:
    - cat out/file
    - echo "version $VERSION of $CI_COMMIT_REF_NAME in $CI_PROJECT_PATH"
    - git status --short
"#;

#[tokio::test]
async fn a_push_becomes_a_pipeline_that_runs() {
    let rig = Rig::new(PIPELINE).await;
    rig.push();
    let pipeline = rig.ended().await;
    let jobs = rig.jobs(&pipeline).await;
    assert_eq!(pipeline["status"], "success", "{jobs:#?}");
    assert_eq!(pipeline["ref"], "refs/heads/main");
    let log = rig.log(&jobs[1]).await;
    let expected = "\ndata\n";
    assert!(log.contains(expected), "{log}");
    assert!(log.contains("\nversion 7 of main in group/name\n"), "{log}");
    let branches = rig.get("/projects/1/branches").await;
    assert_eq!(branches[0]["name"], "refs/heads/main");
    assert_eq!(branches[0]["sha"], pipeline["sha"]);
}
