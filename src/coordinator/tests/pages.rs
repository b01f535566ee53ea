//! Pages as a browser without JavaScript has them.

use aqueduct_core::plan::{Need, When};
use reqwest::{Method, StatusCode, redirect::Policy};
use serde_json::json;

use crate::rig::{ADMIN, Answer, READER, Rig};

/// A browser with a session.
struct Browser<'r> {
    rig: &'r Rig,
    client: reqwest::Client,
    cookie: String,
}

impl<'r> Browser<'r> {
    async fn new(rig: &'r Rig, token: &str) -> Self {
        let client = reqwest::Client::builder().redirect(Policy::none()).build();
        let mut browser = Self {
            rig,
            client: client.unwrap(),
            cookie: String::new(),
        };
        let answer = browser
            .post("/login", &[("token", token), ("next", "/")])
            .await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        let set = answer.header("set-cookie");
        assert!(
            set.contains("HttpOnly") && set.contains("SameSite=Lax"),
            "{set}"
        );
        assert!(!set.contains(token));
        set.split(';')
            .next()
            .unwrap()
            .clone_into(&mut browser.cookie);
        browser
    }

    async fn get(&self, path: &str) -> Answer {
        let request = self.client.get(format!("{}{path}", self.rig.url));
        let request = request.header("Accept", "text/html");
        Answer::of(request.header("Cookie", &self.cookie)).await
    }

    /// A form of ours that is sent.
    async fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        let pairs = form.iter().map(|(key, value)| format!("{key}={value}"));
        let body = pairs.collect::<Vec<_>>().join("&");
        let request = self
            .client
            .post(format!("{}{path}", self.rig.url))
            .header("Content-Type", "application/x-www-form-urlencoded")
            .header("Origin", &self.rig.url)
            .header("Cookie", &self.cookie)
            .body(body);
        Answer::of(request).await
    }
}

#[tokio::test]
async fn a_person_logs_in_and_out() {
    let rig = Rig::new().await;
    let client = reqwest::Client::builder()
        .redirect(Policy::none())
        .build()
        .unwrap();
    for path in [
        "/",
        "/projects",
        "/pipelines/1",
        "/jobs/1?line=3",
        "/events",
        "/jobs/1/raw",
    ] {
        let answer = Answer::of(client.get(format!("{}{path}", rig.url))).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}");
        assert!(
            answer.header("location").starts_with("/login?next=%2F"),
            "{path}"
        );
    }
    let browser = Browser::new(&rig, ADMIN).await;
    let first = browser.get("/").await;
    assert_eq!(first.status, StatusCode::OK);
    assert!(first.text.contains("No pipelines yet"));
    assert!(browser.cookie.starts_with("aqueduct=aqs-"));
    let wrong = browser.post("/login", &[("token", "aqa-wrong")]).await;
    assert_eq!(wrong.status, StatusCode::FORBIDDEN);
    assert!(wrong.text.contains("opens nothing here"));
    for next in [
        "//evil.example",
        "https%3A%2F%2Fevil.example",
        "%2F%5Cevil.example",
    ] {
        let answer = browser
            .post("/login", &[("token", ADMIN), ("next", next)])
            .await;
        assert_eq!(answer.header("location"), "/", "{next}");
    }
    let out = browser.post("/logout", &[]).await;
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    // The value is worth nothing any more, whoever kept it.
    assert_eq!(browser.get("/").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn the_addresses_that_jobs_know_lead_to_pages() {
    let rig = Rig::new().await;
    let token = rig.register("").await;
    let pipeline = rig.pipeline(&["one"], |_| {}).await;
    let job = rig.request(&token, None).await.json();
    let browser = Browser::new(&rig, ADMIN).await;
    for (key, page) in [
        ("CI_JOB_URL", format!("/jobs/{}", job["id"])),
        ("CI_PIPELINE_URL", format!("/pipelines/{pipeline}")),
    ] {
        let variables = job["variables"].as_array().unwrap();
        let variable = variables.iter().find(|one| one["key"] == key);
        let value = variable.map_or("", |one| one["value"].as_str().unwrap());
        let (_, rest) = value.split_once("/-/").unwrap();
        let answer = browser.get(&format!("/group/name/-/{rest}")).await;
        assert_eq!(answer.header("location"), page, "{key}={value}");
        assert_eq!(browser.get(&page).await.status, StatusCode::OK);
    }
    let project = browser.get("/group/name").await;
    assert_eq!(project.header("location"), "/projects/1");
    let other = browser.get("/group/other").await;
    assert_eq!(other.status, StatusCode::NOT_FOUND);
    // Who isn't logged in learns nothing of which projects there are.
    let nobody = reqwest::Client::builder().redirect(Policy::none()).build();
    let nobody = nobody.unwrap();
    for path in ["/group/name", "/group/other"] {
        let request = nobody.get(format!("{}{path}", rig.url));
        let answer = Answer::of(request.header("Accept", "text/html")).await;
        let login = answer.header("location");
        assert!(login.starts_with("/login?next="), "{path}: {login}");
    }
}

#[tokio::test]
async fn other_sites_change_nothing() {
    let rig = Rig::new().await;
    let pipeline = rig.pipeline(&["one"], |_| {}).await;
    let browser = Browser::new(&rig, ADMIN).await;
    let url = format!("{}/pipelines/{pipeline}/cancel", rig.url);
    for (name, value) in [
        ("Origin", "https://evil.example"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
        ("X-Nothing", "said"),
    ] {
        let request = browser.client.post(&url).header("Cookie", &browser.cookie);
        let answer = Answer::of(request.header(name, value)).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name}: {value}");
    }
    let get = browser.get(&format!("/pipelines/{pipeline}/cancel")).await;
    assert_eq!(get.status, StatusCode::METHOD_NOT_ALLOWED);
    let reader = Browser::new(&rig, READER).await;
    let refused = reader
        .post(&format!("/pipelines/{pipeline}/cancel"), &[])
        .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(refused.text.contains("may only read"));
    let page = reader.get(&format!("/pipelines/{pipeline}")).await;
    assert!(page.text.contains("read only") && !page.text.contains("/cancel"));
    let done = browser
        .post(&format!("/pipelines/{pipeline}/cancel"), &[])
        .await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    let page = browser.get(&format!("/pipelines/{pipeline}")).await;
    assert!(page.text.contains("canceled"), "{}", page.text);
}

#[tokio::test]
async fn every_page_is_guarded_and_no_name_becomes_markup() {
    let rig = Rig::new().await;
    let hostile = "<script>alert(1)</script>\"'&";
    let pipeline = rig
        .pipeline(&["one", hostile], |plan| {
            plan.pipeline.name = Some(hostile.into());
            plan.stages = vec![hostile.into()];
            for job in &mut plan.jobs {
                job.stage = hostile.into();
                job.reason = hostile.into();
            }
            plan.jobs[1].needs = Some(vec![Need {
                job: "one".into(),
                artifacts: true,
                optional: false,
            }]);
        })
        .await;
    let browser = Browser::new(&rig, ADMIN).await;
    let paths = [
        "/".to_owned(),
        "/projects".to_owned(),
        "/projects/1".to_owned(),
        "/projects/1/branches".to_owned(),
        "/projects/1/environments".to_owned(),
        "/projects/1?ref=%3Cscript%3Ealert(1)%3C%2Fscript%3E".to_owned(),
        format!("/pipelines/{pipeline}"),
        "/jobs/2".to_owned(),
        "/login?next=%2F%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E".to_owned(),
    ];
    for path in paths {
        let answer = browser.get(&path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
        assert!(!answer.text.contains("<script>"), "{path}");
        assert!(!answer.text.contains(" style="), "{path}");
        let policy = answer.header("content-security-policy");
        for part in [
            "default-src 'none'",
            "script-src 'self'",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
    }
    for path in ["/pipelines/99", "/jobs/99", "/projects/99", "/nothing/here"] {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(answer.text.contains("There is no such page"), "{path}");
        assert!(
            !answer.header("content-security-policy").is_empty(),
            "{path}"
        );
    }
    for path in ["/pipelines/x", "/?before=x"] {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
    }
}

#[tokio::test]
async fn files_of_pages_are_kept_for_ever() {
    let rig = Rig::new().await;
    let page = Browser::new(&rig, ADMIN).await.get("/").await.text;
    let mut seen = 0;
    for part in page
        .split(['"'])
        .filter(|part| part.starts_with("/static/"))
    {
        let answer = Answer::of(rig.call(Method::GET, part)).await;
        assert_eq!(answer.status, StatusCode::OK, "{part}");
        assert!(answer.header("cache-control").contains("immutable"));
        seen += 1;
    }
    assert_eq!(seen, 3);
    let other = rig.call(Method::GET, "/static/0000000000000000/app.css");
    assert_eq!(Answer::of(other).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn lists_go_on_page_by_page() {
    let rig = Rig::new().await;
    for _ in 0..30 {
        rig.pipeline(&["one"], |_| {}).await;
    }
    let browser = Browser::new(&rig, ADMIN).await;
    let first = browser.get("/").await.text;
    assert_eq!(first.matches("<li class=\"line\">").count(), 25);
    assert!(first.contains("href=\"/?before=6\""), "{first}");
    let second = browser.get("/?before=6").await.text;
    assert_eq!(second.matches("<li class=\"line\">").count(), 5);
    assert!(!second.contains("rel=\"next\"") && second.contains(">Newest<"));
    let none = browser
        .get("/projects/1?ref=refs%2Fheads%2Fother")
        .await
        .text;
    assert!(none.contains("No pipeline is like that"));
    let pending = browser.get("/?status=pending&before=20").await.text;
    assert_eq!(pending.matches("<li class=\"line\">").count(), 19);
}

#[tokio::test]
async fn a_job_is_played_and_tried_again() {
    let rig = Rig::new().await;
    let pipeline = rig
        .pipeline(&["by hand"], |plan| plan.jobs[0].when = When::Manual)
        .await;
    let browser = Browser::new(&rig, ADMIN).await;
    let page = browser.get(&format!("/pipelines/{pipeline}")).await.text;
    assert!(page.contains("waits to be played") && page.contains("action=\"/jobs/1/play\""));
    let played = browser.post("/jobs/1/play", &[]).await;
    assert_eq!(played.header("location"), "/jobs/1");
    let again = browser.post("/jobs/1/play", &[]).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    let runner = rig.register("").await;
    let job = rig.request(&runner, None).await.json();
    rig.patch(&job, 0, b"hello\n").await;
    rig.put(&job, json!({"state": "failed", "exit_code": 127}))
        .await;
    let page = browser.get("/jobs/1").await.text;
    assert!(
        page.contains("script.exit") && page.contains("exit code 127"),
        "{page}"
    );
    assert!(page.contains("a command was not found"));
    let again = browser.post("/jobs/1/retry", &[]).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER);
    let page = browser.get("/jobs/1").await.text;
    assert!(page.contains("pending"), "{page}");
}

#[tokio::test]
async fn a_log_is_read_in_parts_without_scripts() {
    let rig = Rig::new().await;
    rig.pipeline(&["one"], |_| {}).await;
    let runner = rig.register("").await;
    let job = rig.request(&runner, None).await.json();
    let lines = (1..=5000).map(|number| format!("\x1b[32mline {number}\x1b[0m <&>\n"));
    let log: String = lines.collect::<String>() + "unfinished";
    rig.patch(&job, 0, log.as_bytes()).await;
    let browser = Browser::new(&rig, ADMIN).await;
    let end = browser.get("/jobs/1").await.text;
    assert_eq!(end.matches("<div class=\"r\"").count(), 1001);
    for part in [
        "id=\"L4001\"",
        "id=\"L5000\"",
        "unfinished",
        "lines 4001–5000 of 5000",
    ] {
        assert!(end.contains(part), "{part}");
    }
    assert!(end.contains("<span class=\"f2\">line 5000</span> &lt;&amp;&gt;"));
    let middle = browser.get("/jobs/1?line=2500").await.text;
    assert!(middle.contains("id=\"L2500\"") && !middle.contains("id=\"L4000\""));
    for link in ["line=1\"", "line=1480\"", "line=3480\"", "?attempt=1\""] {
        assert!(
            middle.contains(&link.replace('&', "&amp;")),
            "{link}: {middle}"
        );
    }
    let begin = browser.get("/jobs/1?line=1").await.text;
    assert!(begin.contains("id=\"L1\"") && begin.contains("id=\"L1000\""));
    let raw = browser.get("/jobs/1/raw").await;
    assert_eq!(raw.text, log);
    assert_eq!(raw.header("content-type"), "text/plain; charset=utf-8");
}

/// Reads events until one holds a text.
async fn until(answer: &mut reqwest::Response, text: &str) -> String {
    let mut read = String::new();
    while !read.contains(text) {
        let piece = tokio::time::timeout(std::time::Duration::from_secs(20), answer.chunk());
        let piece = piece.await.unwrap().unwrap().unwrap();
        read.push_str(std::str::from_utf8(&piece).unwrap());
    }
    read
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_goes_on_live_and_after_a_broken_connection() {
    let rig = Rig::new().await;
    rig.pipeline(&["one"], |_| {}).await;
    let runner = rig.register("").await;
    let job = rig.request(&runner, None).await.json();
    rig.patch(&job, 0, b"one\ntwo").await;
    let browser = Browser::new(&rig, ADMIN).await;
    let page = browser.get("/jobs/1").await.text;
    assert!(
        page.contains("data-events=\"/jobs/1/log?attempt=1&#38;from=4\""),
        "{page}"
    );
    let follow = |path: String| {
        let request = browser.client.get(format!("{}{path}", rig.url));
        request.header("Cookie", &browser.cookie)
    };
    let mut events = follow("/jobs/1/log?attempt=1&from=0".into())
        .send()
        .await
        .unwrap();
    let first = until(&mut events, "id: 4").await;
    assert!(first.contains("event: rows") && first.contains("one") && first.contains("two"));
    rig.patch(&job, 7, b" and more\nthree\n").await;
    let second = until(&mut events, "three").await;
    assert!(second.contains("two and more"), "{second}");
    drop(events);
    rig.patch(&job, 23, b"four\n").await;
    let resumed = follow("/jobs/1/log?attempt=1&from=0".into()).header("Last-Event-ID", "23");
    let mut events = resumed.send().await.unwrap();
    let third = until(&mut events, "four").await;
    assert!(
        !third.contains("three") && third.contains("id: 28"),
        "{third}"
    );
    rig.put(
        &job,
        json!({"state": "success", "output": {"bytesize": 28}}),
    )
    .await;
    let last = until(&mut events, "event: end").await;
    assert!(last.contains("event: change"), "{last}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_hear_of_new_pipelines() {
    let rig = Rig::new().await;
    let browser = Browser::new(&rig, READER).await;
    let request = browser.client.get(format!("{}/events?project=1", rig.url));
    let mut events = request
        .header("Cookie", &browser.cookie)
        .send()
        .await
        .unwrap();
    until(&mut events, "event: change").await;
    rig.pipeline(&["one"], |_| {}).await;
    until(&mut events, "event: change").await;
}
