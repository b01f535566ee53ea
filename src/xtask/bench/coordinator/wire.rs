//! A client of HTTP/1.1 that costs next to nothing: it shares the processors with the coordinator that it measures.
//!
//! It knows what a coordinator answers: a status line, headers, and a body of a stated length or none.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::error::{At as _, Error, Result};

/// Longest head of an answer, in bytes.
const HEAD: usize = 64 << 10;

/// One connection that is kept.
pub(super) struct Wire {
    stream: TcpStream,
    request: Vec<u8>,
    answer: Vec<u8>,
}

/// An answer, read whole; the body lies in the connection's memory.
pub(super) struct Answer<'a> {
    pub(super) status: u16,
    head: &'a [u8],
    pub(super) body: &'a [u8],
}

impl Wire {
    pub(super) async fn connect(to: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(to).await.at(to.to_string())?;
        stream.set_nodelay(true).at(to.to_string())?;
        Ok(Self {
            stream,
            request: Vec::new(),
            answer: Vec::new(),
        })
    }

    /// One call. `headers` are whole lines with their ends.
    pub(super) async fn call(
        &mut self,
        method: &str,
        path: &str,
        headers: &str,
        body: &[u8],
    ) -> Result<Answer<'_>> {
        use std::io::Write as _;
        self.request.clear();
        let length = body.len();
        // Writing to memory does not fail.
        let _ = write!(
            self.request,
            "{method} {path} HTTP/1.1\r\nhost: c\r\ncontent-length: {length}\r\n{headers}\r\n"
        );
        self.request.extend_from_slice(body);
        let sent = self.stream.write_all(&self.request).await;
        sent.at(path)?;
        self.read().await
    }

    async fn read(&mut self) -> Result<Answer<'_>> {
        self.answer.clear();
        let (status, start, end) = loop {
            self.more().await?;
            if let Some((status, start, length)) = head(&self.answer)? {
                break (status, start, start + length);
            }
            if self.answer.len() > HEAD {
                return Err(unexpected("the head of an answer is too long"));
            }
        };
        while self.answer.len() < end {
            self.more().await?;
        }
        Ok(Answer {
            status,
            head: &self.answer[..start],
            body: &self.answer[start..end],
        })
    }

    async fn more(&mut self) -> Result<()> {
        match self.stream.read_buf(&mut self.answer).await {
            Ok(0) => Err(io::Error::from(io::ErrorKind::UnexpectedEof)).at("the coordinator"),
            read => read.map(drop).at("the coordinator"),
        }
    }
}

impl Answer<'_> {
    /// The first header of a name, which is written as the coordinator writes it.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let head = std::str::from_utf8(self.head).ok()?;
        let mut lines = head.split("\r\n");
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// Its body, if it has this status.
    pub(super) fn expect(&self, status: u16) -> Result<&[u8]> {
        if self.status == status {
            return Ok(self.body);
        }
        let text = String::from_utf8_lossy(self.body);
        Err(unexpected(&format!(
            "the coordinator answered {} where {status} was due: {text}",
            self.status
        )))
    }
}

/// Status, start and length of the body, once the head is complete.
fn head(bytes: &[u8]) -> Result<Option<(u16, usize, usize)>> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let text = std::str::from_utf8(&bytes[..end]).map_err(|_| unexpected("a head is no text"))?;
    let mut lines = text.split("\r\n");
    let status = lines.next().and_then(|line| line.get(9..12)?.parse().ok());
    let status = status.ok_or_else(|| unexpected("a status line is broken"))?;
    let mut length = 0;
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().unwrap_or(0);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            return Err(unexpected("an answer comes in chunks"));
        }
    }
    Ok(Some((status, end + 4, length)))
}

fn unexpected(what: &str) -> Error {
    Error::Unexpected(what.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_once_it_is_whole() {
        let whole = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(head(whole).unwrap(), Some((201, 43, 2)));
        assert_eq!(head(&whole[..40]).unwrap(), None);
        let empty = b"HTTP/1.1 204 No Content\r\n\r\n";
        assert_eq!(head(empty).unwrap(), Some((204, 27, 0)));
        assert!(head(b"HTTP/1.1 2\r\n\r\n").is_err());
        assert!(head(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").is_err());
    }
}
