//! Jobs in containers of both architectures, handed out by a coordinator.

use aqueduct_testkit::images;

use crate::rig::Rig;

#[tokio::test]
async fn a_runner_of_containers_works_off_both_architectures() {
    let index = images::busybox_index().unwrap();
    let pipeline = format!(
        r#"
default: {{image: "{}"}}
build:
  stage: build
  arch: [amd64, arm64]
  script:
    - uname -m > "machine-$AQUEDUCT_ARCH"
  artifacts: {{paths: ["machine-*"]}}
test:
  stage: test
  script:
    - cat machine-amd64 machine-arm64
"#,
        index.reference(images::TAG)
    );
    let rig = Rig::in_containers(&pipeline).await;
    rig.push();
    let pipeline = rig.ended().await;
    let jobs = rig.jobs(&pipeline).await;
    assert_eq!(pipeline["status"], "success", "{jobs:#?}");
    let log = rig.log(&jobs[2]).await;
    assert!(log.contains("\nx86_64\naarch64\n"), "{log}");
}
