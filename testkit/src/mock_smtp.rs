//! A strict mail server on loopback, without TLS, that fails as it is told and keeps what it accepted.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What goes wrong with one mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SmtpFault {
    /// The recipient is answered with this code: 450, 550.
    Recipient(u16),
    /// The whole mail is answered with this code, and not taken.
    Data(u16),
    /// The connection breaks before the data is asked for; nothing is taken.
    BreakBefore,
    /// The mail is taken, and the connection breaks before the answer.
    BreakAfter,
}

/// A mail that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AcceptedMail {
    /// Whom it is for, by the envelope.
    pub to: String,
    /// Headers and body as they came, with dots unstuffed.
    pub raw: String,
}

/// The server. It ends when dropped.
#[derive(Debug)]
pub struct MockSmtp {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    serving: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct State {
    accepted: Vec<AcceptedMail>,
    attempts: HashMap<String, usize>,
    faults: HashMap<String, Vec<SmtpFault>>,
    /// Breaks of the protocol by the client.
    wrong: Vec<String>,
}

impl MockSmtp {
    /// Starts one on a free port.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&shared);
                tokio::spawn(async move {
                    // A client that goes away is its own affair.
                    let _ = serve(stream, &state).await;
                });
            }
        });
        Ok(Self { address, state, serving })
    }

    /// Its port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// What goes wrong with the first mails to an address, one after another.
    pub fn fail(&self, to: &str, faults: impl IntoIterator<Item = SmtpFault>) {
        self.state().faults.insert(to.to_owned(), faults.into_iter().collect());
    }

    /// What was accepted, in order.
    #[must_use]
    pub fn accepted(&self) -> Vec<AcceptedMail> {
        self.state().accepted.clone()
    }

    /// How the client broke the protocol; nothing when it did not.
    #[must_use]
    pub fn wrong(&self) -> Vec<String> {
        self.state().wrong.clone()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl Drop for MockSmtp {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn lock(state: &Mutex<State>) -> std::sync::MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(stream: TcpStream, state: &Mutex<State>) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 mock.example.test\r\n").await?;
    let (mut from, mut to) = (false, None::<String>);
    loop {
        let Some(line) = line(&mut stream, state).await? else { return Ok(()) };
        let upper = line.to_uppercase();
        let answer = if upper.starts_with("EHLO ") {
            "250-mock.example.test\r\n250 8BITMIME".to_owned()
        } else if upper.starts_with("MAIL FROM:<") {
            from = true;
            "250 ok".to_owned()
        } else if let (true, Some(rest)) = (from, line.strip_prefix("RCPT TO:<")) {
            let address = rest.split('>').next().unwrap_or_default().to_owned();
            match next_fault(state, &address) {
                Some(SmtpFault::Recipient(code)) => format!("{code} not this one"),
                _ => {
                    to = Some(address);
                    "250 ok".to_owned()
                }
            }
        } else if let ("DATA", Some(address)) = (upper.as_str(), to.take()) {
            from = false;
            let fault = take_fault(state, &address);
            if fault == Some(SmtpFault::BreakBefore) {
                return Ok(());
            }
            stream.write_all(b"354 go on\r\n").await?;
            let mut raw = String::new();
            loop {
                let Some(line) = self::line(&mut stream, state).await? else { return Ok(()) };
                if line == "." {
                    break;
                }
                raw += line.strip_prefix('.').unwrap_or(&line);
                raw += "\n";
            }
            match fault {
                Some(SmtpFault::Data(code)) => format!("{code} not this mail"),
                fault => {
                    lock(state).accepted.push(AcceptedMail { to: address, raw });
                    if fault == Some(SmtpFault::BreakAfter) {
                        return Ok(());
                    }
                    "250 2.0.0 queued as 4711".to_owned()
                }
            }
        } else if upper == "QUIT" {
            stream.write_all(b"221 bye\r\n").await?;
            return Ok(());
        } else if upper == "NOOP" || upper == "RSET" {
            "250 ok".to_owned()
        } else {
            lock(state).wrong.push(format!("out of order: {line:?}"));
            "503 out of order".to_owned()
        };
        stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
        if answer.starts_with('4') || answer.starts_with('5') {
            (from, to) = (false, None);
        }
    }
}

/// Looks at the next fault of an address; one of the recipient is used up by that.
fn next_fault(state: &Mutex<State>, address: &str) -> Option<SmtpFault> {
    let mut state = lock(state);
    *state.attempts.entry(address.to_owned()).or_default() += 1;
    let faults = state.faults.get_mut(address)?;
    let next = *faults.first()?;
    if matches!(next, SmtpFault::Recipient(_)) {
        faults.remove(0);
    }
    Some(next)
}

fn take_fault(state: &Mutex<State>, address: &str) -> Option<SmtpFault> {
    let mut state = lock(state);
    let faults = state.faults.get_mut(address)?;
    (!faults.is_empty()).then(|| faults.remove(0))
}

/// A line without its end; RFC 5321 wants CRLF, no other CR or LF, and at most 1,000 octets.
async fn line(stream: &mut BufReader<TcpStream>, state: &Mutex<State>) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    if stream.read_until(b'\n', &mut bytes).await? == 0 {
        return Ok(None);
    }
    let kept = bytes.strip_suffix(b"\r\n");
    let text = String::from_utf8_lossy(kept.unwrap_or(&bytes)).into_owned();
    if kept.is_none() || text.contains('\r') || bytes.len() > 1_000 {
        lock(state).wrong.push(format!("a line that is none: {text:?}"));
    }
    Ok(Some(text))
}
