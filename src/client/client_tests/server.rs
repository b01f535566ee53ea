//! The scripted server.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    response::Response,
};
use futures_util::{StreamExt as _, stream};
use serde_json::Value;

/// A call as it arrived.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Bytes,
    /// Earlier calls with the same method and path.
    pub(super) number: usize,
}

impl Call {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// Length of the trace with this piece.
    pub(super) fn end(&self) -> usize {
        let range = self.header("content-range");
        let start = range.split('-').next().and_then(|start| start.parse().ok());
        start.unwrap_or(0) + self.body.len()
    }
}

/// An answer.
pub(super) struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    /// The connection breaks off after the body.
    torn: bool,
}

impl Reply {
    pub(super) fn status(status: u16) -> Self {
        Self::bytes(status, b"")
    }

    pub(super) fn json(status: u16, value: &Value) -> Self {
        let reply = Self::bytes(status, value.to_string().as_bytes());
        reply.header("content-type", "application/json")
    }

    pub(super) fn bytes(status: u16, body: &[u8]) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.to_vec(),
            torn: false,
        }
    }

    pub(super) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(super) fn torn(mut self) -> Self {
        self.torn = true;
        self
    }

    fn response(self) -> Response {
        let mut response = Response::builder().status(self.status);
        for (name, value) in &self.headers {
            response = response.header(name, value);
        }
        let body = if self.torn {
            let sent = stream::iter([Ok(Bytes::from(self.body))]);
            let end = stream::once(async {
                // What was sent before has to arrive.
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                Err(std::io::Error::other("torn"))
            });
            Body::from_stream(sent.chain(end))
        } else {
            Body::from(self.body)
        };
        response.body(body).unwrap()
    }
}

type Script = Box<dyn Fn(&Call) -> Reply + Send + Sync>;

struct Shared {
    calls: Mutex<Vec<Call>>,
    script: Script,
}

/// A server that lives as long as this value.
pub(super) struct Server {
    pub(super) url: String,
    shared: Arc<Shared>,
    task: tokio::task::AbortHandle,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Answers every call with what `script` says.
    pub(super) async fn start(script: impl Fn(&Call) -> Reply + Send + Sync + 'static) -> Self {
        let shared = Arc::new(Shared {
            calls: Mutex::default(),
            script: Box::new(script),
        });
        let router = Router::new().fallback(answer).with_state(shared.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = async move { axum::serve(listener, router).await.unwrap() };
        Self {
            url,
            shared,
            task: tokio::spawn(serving).abort_handle(),
        }
    }

    /// The calls so far with this method.
    pub(super) fn calls(&self, method: &str) -> Vec<Call> {
        let calls = self.shared.calls.lock().unwrap();
        let of_method = calls.iter().filter(|call| call.method == method);
        of_method.cloned().collect()
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let headers = parts.headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes());
        (name.to_string(), value.into_owned())
    });
    let mut call = Call {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: headers.collect(),
        body,
        number: 0,
    };
    {
        let mut calls = shared.calls.lock().unwrap();
        let same = |known: &&Call| known.method == call.method && known.path == call.path;
        call.number = calls.iter().filter(same).count();
        calls.push(call.clone());
    }
    (shared.script)(&call).response()
}
