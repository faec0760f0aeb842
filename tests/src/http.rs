//! HTTP/1.1 as far as the tests' own servers need it: one request a connection, on a thread of its own.
//!
//! One request a connection, because a client sends a request anew, unasked, when a connection that it had used before
//! is cut: a test that cuts connections could not tell what it tested.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// No test waits longer for the next byte: a bug shows as a failure, not as a test that never ends.
const IDLE_LIMIT: Duration = Duration::from_mins(2);

/// A request, its body read to the end and freed of any `Transfer-Encoding`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    pub method: String,
    /// Path and query as they came.
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn new(method: &str, target: &str) -> Self {
        Self { method: method.to_owned(), target: target.to_owned(), ..Self::default() }
    }

    /// A form, which the query protocol takes: `Action=ListUsers&Version=2010-05-08`.
    pub fn form(pairs: impl Into<Vec<u8>>) -> Self {
        Self::new("POST", "/").with("Content-Type", "application/x-www-form-urlencoded").body(pairs)
    }

    #[must_use]
    pub fn with(mut self, header: &str, value: impl fmt::Display) -> Self {
        self.headers.push((header.to_owned(), value.to_string()));
        self
    }

    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Reads one request; `None` when the client closed the connection instead.
    ///
    /// # Errors
    /// When what came is no HTTP request, or ends in the middle.
    pub fn read(stream: &TcpStream) -> io::Result<Option<Self>> {
        let mut reader = BufReader::new(stream);
        let start = read_line(&mut reader)?;
        if start.is_empty() {
            return Ok(None);
        }
        let mut words = start.split(' ');
        let (Some(method), Some(target), Some(_version)) = (words.next(), words.next(), words.next()) else {
            return Err(bad(&start));
        };
        let mut request = Self { method: method.into(), target: target.into(), ..Self::default() };
        request.headers = read_headers(&mut reader)?;
        if request.header("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue")) {
            let mut stream = stream;
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        request.body = if request.header("transfer-encoding").is_some() {
            read_chunks(&mut reader)?
        } else {
            let length = request.header("content-length").unwrap_or("0");
            let mut body = vec![0; length.parse().map_err(|_| bad(length))?];
            reader.read_exact(&mut body)?;
            body
        };
        Ok(Some(request))
    }

    /// The first header of that name, in whatever case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn path(&self) -> &str {
        self.target.split_once('?').map_or(self.target.as_str(), |(path, _)| path)
    }

    /// The pairs of the query, still percent-encoded; `""` where a key stands alone.
    pub fn query(&self) -> impl Iterator<Item = (&str, &str)> {
        pairs(self.target.split_once('?').map_or("", |(_, query)| query))
    }

    /// The body as text, for messages and comparisons.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Writes the request so that the server answers and closes.
    pub(crate) fn send(&self, mut stream: &TcpStream) -> io::Result<()> {
        const OF_THE_CONNECTION: [&str; 5] =
            ["connection", "keep-alive", "expect", "transfer-encoding", "content-length"];
        let kept = |name: &str| !OF_THE_CONNECTION.iter().any(|other| name.eq_ignore_ascii_case(other));
        let headers = self.headers.iter().filter(|(name, _)| kept(name));
        let start = format!("{} {} HTTP/1.1", self.method, self.target);
        stream.write_all(head(&start, headers, self.body.len()).as_bytes())?;
        stream.write_all(&self.body)
    }
}

/// The `key=value` pairs of a query or of a form.
pub(crate) fn pairs(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Response {
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    #[must_use]
    pub fn with(mut self, header: &str, value: impl fmt::Display) -> Self {
        self.headers.push((header.to_owned(), value.to_string()));
        self
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Reads an answer, up to the end of the connection.
    ///
    /// # Errors
    /// When none came, or what came is no HTTP.
    pub fn read(stream: &TcpStream) -> io::Result<Self> {
        let mut reader = BufReader::new(stream);
        loop {
            let start = read_line(&mut reader)?;
            if start.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let status = start.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(|| bad(&start))?;
            let mut response = Self { status, headers: read_headers(&mut reader)?, body: Vec::new() };
            if status >= 200 {
                reader.read_to_end(&mut response.body)?;
                return Ok(response);
            }
            // 100 Continue announces the answer proper.
        }
    }

    /// Answers `request`: a HEAD gets no body, only its length.
    pub(crate) fn send(&self, mut stream: &TcpStream, request: &Request) -> io::Result<()> {
        let start = format!("HTTP/1.1 {} Test", self.status);
        stream.write_all(head(&start, self.headers.iter(), self.body.len()).as_bytes())?;
        if request.method != "HEAD" {
            stream.write_all(&self.body)?;
        }
        Ok(())
    }
}

/// A server on a free loopback port; it listens until it is dropped.
pub(crate) struct Server {
    address: SocketAddr,
    ended: Arc<AtomicBool>,
    listener: Option<JoinHandle<()>>,
}

impl Server {
    /// Gives each request to `handler`, which answers on the stream or lets it fall.
    pub(crate) fn start(handler: impl Fn(Request, &TcpStream) -> io::Result<()> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free loopback port");
        let address = listener.local_addr().expect("the address of a bound listener");
        let ended = Arc::new(AtomicBool::new(false));
        let handler = Arc::new(handler);
        let accept = {
            let ended = Arc::clone(&ended);
            move || {
                for stream in listener.incoming().flatten() {
                    if ended.load(Ordering::SeqCst) {
                        break;
                    }
                    let handler = Arc::clone(&handler);
                    // What goes wrong on one connection (the client went away) is the client's to notice.
                    thread::spawn(move || serve(&stream, handler.as_ref()).ok());
                }
            }
        };
        Self { address, ended, listener: Some(thread::spawn(accept)) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // Wakes the listener, which then sees that it is over.
        if TcpStream::connect(self.address).is_ok()
            && let Some(listener) = self.listener.take()
        {
            drop(listener.join());
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Sends `request` to `address`; what is left is to read the answer, until the server closes.
pub(crate) fn connect(address: SocketAddr, request: &Request) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(IDLE_LIMIT))?;
    stream.set_nodelay(true)?;
    request.send(&stream)?;
    Ok(stream)
}

fn serve(stream: &TcpStream, handler: &impl Fn(Request, &TcpStream) -> io::Result<()>) -> io::Result<()> {
    stream.set_read_timeout(Some(IDLE_LIMIT))?;
    stream.set_nodelay(true)?;
    match Request::read(stream)? {
        Some(request) => handler(request, stream),
        None => Ok(()),
    }
}

/// A line without its end; empty at the end of the stream.
fn read_line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    line.truncate(line.trim_end_matches(['\r', '\n']).len());
    Ok(line)
}

fn read_headers(reader: &mut impl BufRead) -> io::Result<Vec<(String, String)>> {
    let mut headers = Vec::new();
    loop {
        let line = read_line(reader)?;
        if line.is_empty() {
            return Ok(headers);
        }
        let (name, value) = line.split_once(':').ok_or_else(|| bad(&line))?;
        headers.push((name.into(), value.trim().into()));
    }
}

fn head<'a>(start: &str, headers: impl Iterator<Item = &'a (String, String)>, length: usize) -> String {
    let headers: Vec<String> = headers.map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("{start}\r\n{}Content-Length: {length}\r\nConnection: close\r\n\r\n", headers.concat())
}

fn read_chunks(reader: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = read_line(reader)?;
        let size = line.split(';').next().unwrap_or_default().trim();
        let size = u64::from_str_radix(size, 16).map_err(|_| bad(&line))?;
        if size == 0 {
            // Trailers, and the empty line after them.
            while !read_line(reader)?.is_empty() {}
            return Ok(body);
        }
        if reader.by_ref().take(size).read_to_end(&mut body)? as u64 != size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        read_line(reader)?;
    }
}

fn bad(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("not HTTP: {text:?}"))
}
