//! An HTTP server that answers as a test says, one request a connection, and remembers what it was asked: for
//! the bad days that no real peer can be brought to have.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use crate::command::{At as _, Result};

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    /// `GET /v2/…`.
    pub line: String,
    /// Header lines in lower case.
    pub headers: Vec<String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let prefix = format!("{name}: ");
        self.headers
            .iter()
            .find_map(|line| line.strip_prefix(&prefix))
    }
}

/// An answer, written as it is; the connection closes after it.
#[derive(Debug)]
pub struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    sent: usize,
}

impl Answer {
    /// An answer with that status and no body.
    pub fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
            sent: usize::MAX,
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    #[must_use]
    /// Breaks off after so many bytes of the body.
    pub fn cut_after(mut self, sent: usize) -> Self {
        self.sent = sent;
        self
    }

    fn write(self, stream: &mut TcpStream) -> std::io::Result<()> {
        let mut head = format!("HTTP/1.1 {} X\r\nconnection: close\r\n", self.status);
        let length = ("content-length".to_owned(), self.body.len().to_string());
        for (name, value) in self.headers.into_iter().chain([length]) {
            head.extend([&name, ": ", &value, "\r\n"]);
        }
        stream.write_all(head.as_bytes())?;
        stream.write_all(b"\r\n")?;
        let sent = self.body.len().min(self.sent);
        stream.write_all(self.body.get(..sent).unwrap_or_default())
    }
}

/// A running server; lives as long as the test's process.
#[derive(Debug)]
pub struct Server {
    host: String,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Starts a server that answers with `answer(request, how many came before)`.
    pub fn start(answer: impl Fn(&Request, usize) -> Answer + Send + 'static) -> Result<Self> {
        let here = Path::new("127.0.0.1");
        let listener = TcpListener::bind("127.0.0.1:0").at(here)?;
        let host = listener.local_addr().at(here)?.to_string();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let Some(request) = read(&stream) else {
                    continue;
                };
                let reply = answer(&request, lock(&log).len());
                lock(&log).push(request);
                // A client that hung up is part of some tests.
                let _ = reply.write(&mut stream);
            }
        });
        Ok(Self { host, seen })
    }

    /// `127.0.0.1:PORT`.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Everything asked so far.
    pub fn seen(&self) -> Vec<Request> {
        lock(&self.seen).clone()
    }
}

fn lock(log: &Mutex<Vec<Request>>) -> MutexGuard<'_, Vec<Request>> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_owned();
        if line.is_empty() {
            break;
        }
        lines.push(line);
    }
    let headers: Vec<String> = lines
        .split_off(lines.len().min(1))
        .into_iter()
        .map(|line| match line.split_once(':') {
            Some((name, value)) => format!("{}:{value}", name.to_ascii_lowercase()),
            None => line,
        })
        .collect();
    let mut request = Request {
        line: lines.pop()?,
        headers,
        body: Vec::new(),
    };
    let length = request
        .header("content-length")
        .and_then(|length| length.parse().ok());
    reader
        .take(length.unwrap_or(0))
        .read_to_end(&mut request.body)
        .ok()?;
    Some(request)
}
