//! The emulator of AWS: moto server, one for each test process.

use std::env;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{OnceLock, mpsc};
use std::thread;
use std::time::Duration;

/// moto takes 2 s to start on an idle machine; a loaded one with cold disks gets thirty times that.
const START_LIMIT: Duration = Duration::from_mins(1);

/// A running moto server. It ends with the process that started it, however that ends (see `emulator.py`).
#[derive(Debug)]
pub struct Emulator {
    address: SocketAddr,
    process: Child,
    log: File,
}

impl Emulator {
    /// The emulator of this test process, started by whoever asks first.
    ///
    /// # Panics
    /// When it cannot be started: the message says what to do.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Emulator> = OnceLock::new();
        SHARED.get_or_init(|| Self::start().unwrap_or_else(|error| panic!("{error}")))
    }

    /// One more, for a test that changes how the emulator as a whole behaves.
    ///
    /// # Panics
    /// When it cannot be started: the message says what to do.
    pub fn alone() -> Self {
        Self::start().unwrap_or_else(|error| panic!("{error}"))
    }

    /// Where it listens, as in `AWS_ENDPOINT_URL`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// What the emulator wrote on stderr: the traceback behind a 500.
    pub fn log(&self) -> String {
        read_log(&self.log)
    }

    /// The virtual environment with moto: `SLUICE_VENV`, which the Makefile sets, or the place where the Makefile puts it.
    pub fn venv() -> PathBuf {
        if let Some(path) = env::var_os("SLUICE_VENV") {
            return path.into();
        }
        let cache = env::var_os("XDG_CACHE_HOME").filter(|path| !path.is_empty()).map(PathBuf::from);
        let cache = cache.or_else(|| Some(Path::new(&env::var_os("HOME")?).join(".cache")));
        cache.unwrap_or_default().join("sluice/venv")
    }

    fn start() -> Result<Self, String> {
        let python = Self::venv().join("bin/python");
        if !python.exists() {
            return Err(format!("no emulator: {} does not exist; run `make test`, which makes it", python.display()));
        }
        // A file without a name: nothing to tidy away, whatever becomes of this process.
        let log = tempfile::tempfile().map_err(|error| format!("a temporary file for the emulator's log: {error}"))?;
        let stderr = log.try_clone().map_err(|error| format!("the emulator's log: {error}"))?;
        let mut process = Command::new(&python)
            .args(["-c", include_str!("emulator.py")])
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .map_err(|error| format!("{}: {error}; `make clean-venv test` makes it anew", python.display()))?;

        let stdout = process.stdout.take().ok_or("the emulator's stdout is missing")?;
        let (sender, port) = mpsc::channel();
        thread::spawn(move || {
            let mut line = String::new();
            let read = BufReader::new(stdout).read_line(&mut line);
            // Nobody listens any more when the time was up.
            drop(sender.send(read.map(|_| line)));
        });
        let line = port.recv_timeout(START_LIMIT);
        let Some(port) = line.ok().and_then(Result::ok).and_then(|line| line.trim().parse().ok()) else {
            drop(process.kill());
            drop(process.wait());
            return Err(format!(
                "the emulator did not start within {START_LIMIT:?}; `make clean-venv test` makes it anew\n{}",
                read_log(&log)
            ));
        };
        Ok(Self { address: SocketAddr::from(([127, 0, 0, 1], port)), process, log })
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn read_log(log: &File) -> String {
    let mut text = Vec::new();
    let read = log.try_clone().and_then(|mut log| {
        log.rewind()?;
        log.read_to_end(&mut text)
    });
    match read {
        Ok(_) => String::from_utf8_lossy(&text).into_owned(),
        Err(error) => format!("(the emulator's log cannot be read: {error})"),
    }
}
