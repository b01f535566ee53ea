//! A person in a browser, from the login to the end of a branch.

use std::path::Path;

use aqueduct_testkit::browser;

use crate::rig::Rig;

const PIPELINE: &str = r#"
stages: [build, test, deploy]
build:
  stage: build
  arch: [amd64, arm64]
  script:
    - printf '\033[38;5;208mcolours\033[0m and <b>markup</b>\n'
    - n=0; while [ "$CI_COMMIT_REF_NAME" != main ] && [ ! -e "GATE" ]; do n=$((n+1)); echo "tick $n"; sleep 0.2; done
    - echo the gate is open
unit:
  stage: test
  needs: []
  script:
    - echo this one fails
    - exit 3
lint:
  stage: test
  needs: []
  allow_failure: true
  script: ["exit 1"]
integration:
  stage: test
  needs: [build]
  script: ["true"]
deploy review:
  stage: deploy
  needs: []
  script: ["echo deployed"]
  environment: {name: review/$CI_COMMIT_REF_SLUG, url: "https://$CI_COMMIT_REF_SLUG.example.com", on_stop: stop review}
stop review:
  stage: deploy
  needs: []
  when: manual
  allow_failure: true
  variables: {GIT_STRATEGY: none}
  script: ["echo stopped"]
  environment: {name: review/$CI_COMMIT_REF_SLUG, action: stop}
release:
  stage: deploy
  needs: [integration]
  when: manual
  script: ["true"]
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_with_a_keyboard_follows_a_push() {
    let dir = tempfile::tempdir().unwrap();
    let gate = dir.path().join("gate");
    let rig = Rig::new(&PIPELINE.replace("GATE", gate.to_str().unwrap())).await;
    rig.name_commit("Show pages");
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    let (url, token) = rig.address();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/session.cjs");
    let mut command = browser::script(&script).unwrap();
    command
        .env("URL", url)
        .env("TOKEN", token)
        .env("WORK", rig.work())
        .env("GATE", &gate)
        .env("PICTURES", &pictures);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await;
    let output = output.unwrap();
    assert!(
        output.status.success(),
        "{}\npictures: {}",
        String::from_utf8_lossy(&output.stderr),
        pictures.display()
    );
}
