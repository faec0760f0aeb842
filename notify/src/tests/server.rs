//! A small HTTP server on the loopback that answers as it is told, and remembers what it was asked.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// What the server does with a request.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    /// A status, headers (each with its line end) and a body.
    Http(u16, &'static str, &'static str),
    /// Reads the request and cuts the connection.
    Cut,
    /// Reads the request and says nothing for so long.
    Hang(Duration),
    /// A status and a length, and nothing of the body for so long.
    Silent(u16, Duration),
}

/// What the server was asked.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) head: String,
    pub(super) body: String,
    pub(super) at: Instant,
}

pub(super) struct Server {
    pub(super) url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Answers the first request with the first answer, and so on; the last answer holds for all that follow.
    pub(super) fn start(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let seen = Arc::clone(&requests);
        // It ends with the test process.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answers, seen) = (answers.clone(), Arc::clone(&seen));
                thread::spawn(move || serve(stream, &answers, &seen));
            }
        });
        Self { url, requests }
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// A port on which nobody listens.
    pub(super) fn nobody() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    }
}

fn serve(mut stream: TcpStream, answers: &[Answer], seen: &Mutex<Vec<Request>>) {
    while let Some(request) = read(&mut stream) {
        let answer = {
            let mut seen = seen.lock().unwrap();
            seen.push(request);
            answers[(seen.len() - 1).min(answers.len() - 1)].clone()
        };
        match answer {
            Answer::Http(status, headers, body) => {
                let length = body.len();
                let text = format!("HTTP/1.1 {status} X\r\n{headers}Content-Length: {length}\r\n\r\n{body}");
                if stream.write_all(text.as_bytes()).is_err() {
                    return;
                }
            }
            Answer::Cut => return,
            Answer::Silent(status, time) => {
                let _ = stream.write_all(format!("HTTP/1.1 {status} X\r\nContent-Length: 9\r\n\r\n").as_bytes());
                thread::sleep(time);
                return;
            }
            Answer::Hang(time) => {
                thread::sleep(time);
                return;
            }
        }
    }
}

fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let length =
                head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if bytes.len() >= end + 4 + length.unwrap_or(0_usize) {
                let body = String::from_utf8_lossy(&bytes[end + 4..]).into_owned();
                return Some(Request { head, body, at: Instant::now() });
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}
