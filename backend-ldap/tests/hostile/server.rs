//! A domain of four accounts behind TLS, that answers honestly until it is told to play.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// What the server does to a Modify and to a page of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mischief {
    None,
    /// The text of the result is not UTF-8.
    TextIsNoText,
    /// A message of the right kind without its parts.
    NoStructure,
    /// Bytes that are no LDAP at all.
    NoLdap,
    /// The connection ends instead of an answer.
    HangUp,
    /// sizeLimitExceeded after the entries.
    CutShort,
    /// Success without a position.
    NoPosition,
    Busy,
    /// Busy as often as `busy` counts.
    BusyTwice,
    /// An attribute in three parts.
    Ranges,
    /// The first part of an attribute again and again.
    SameRange,
    /// SIDs, of which every other one is text by chance.
    Sids,
    /// It says that it is a read-only controller.
    ReadOnly,
    /// invalidCredentials for every sign-in, after the present connections were ended.
    RefuseSignIn,
}

/// The server; it ends with the test.
pub(crate) struct Server {
    pub(crate) port: u16,
    pub(crate) certificate: Vec<u8>,
    pub(crate) binds: Arc<AtomicUsize>,
    pub(crate) connections: Arc<AtomicUsize>,
    pub(crate) busy: Arc<AtomicUsize>,
    mischief: Arc<Mutex<Mischief>>,
    stop: watch::Sender<bool>,
}

#[derive(Clone)]
struct Shared {
    mischief: Arc<Mutex<Mischief>>,
    binds: Arc<AtomicUsize>,
    busy: Arc<AtomicUsize>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::start_as("127.0.0.1").await
    }

    pub(crate) async fn start_as(name: &str) -> Self {
        let own = rcgen::generate_simple_self_signed([name.to_owned()]).expect("a certificate");
        let key = rustls_pki_types::PrivatePkcs8KeyDer::from(own.signing_key.serialize_der());
        let tls = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![own.cert.der().clone()], key.into())
            .expect("a pair");
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let (stop, mut stopped) = watch::channel(false);
        let server = Self {
            port: listener.local_addr().expect("an address").port(),
            certificate: own.cert.pem().into_bytes(),
            binds: Arc::default(),
            connections: Arc::default(),
            busy: Arc::default(),
            mischief: Arc::new(Mutex::new(Mischief::None)),
            stop,
        };
        let shared = Shared {
            mischief: Arc::clone(&server.mischief),
            binds: Arc::clone(&server.binds),
            busy: Arc::clone(&server.busy),
        };
        let connections = Arc::clone(&server.connections);
        tokio::spawn(async move {
            loop {
                let stream = tokio::select! {
                    _ = stopped.changed() => return,
                    accepted = listener.accept() => accepted.expect("accepts").0,
                };
                connections.fetch_add(1, Ordering::SeqCst);
                let (acceptor, shared, mut stopped) = (acceptor.clone(), shared.clone(), stopped.clone());
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        tokio::select! {
                            () = serve(stream, shared) => {}
                            _ = stopped.changed() => {}
                        }
                    }
                });
            }
        });
        server
    }

    pub(crate) fn plays(&self, mischief: Mischief) {
        *self.mischief.lock().expect("whole") = mischief;
    }

    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
    }
}

async fn serve(mut stream: TlsStream<TcpStream>, shared: Shared) {
    while let Some(message) = read_message(&mut stream).await {
        let answer = answer(&message, &shared);
        let Some(answer) = answer else { return };
        if stream.write_all(&answer).await.is_err() || stream.flush().await.is_err() {
            return;
        }
    }
}

/// The bytes to answer with; `None` ends the connection.
fn answer(message: &[u8], shared: &Shared) -> Option<Vec<u8>> {
    let (_, id, rest) = take(message);
    let (operation, body, controls) = take(rest);
    let id = id.to_vec();
    let whole = |parts: &[Vec<u8>]| parts.iter().flat_map(|part| envelope(&id, part, None)).collect::<Vec<u8>>();
    match operation {
        0x60 => {
            shared.binds.fetch_add(1, Ordering::SeqCst);
            if *shared.mischief.lock().expect("whole") == Mischief::RefuseSignIn {
                let text = b"80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data 52e, v4563\0";
                return Some(whole(&[result(0x61, 49, text)]));
            }
            Some(whole(&[result(0x61, 0, b"")]))
        }
        0x63 if !controls.is_empty() => page(&id, controls, shared),
        0x63 => {
            let (_, base, _) = take(body);
            let mischief = *shared.mischief.lock().expect("whole");
            let asks = |name: &[u8]| body.windows(name.len()).any(|window| window == name);
            let found = if asks(b"range=2-*") {
                entry("CN=1,DC=x", &[("memberOf;range=2-*", b"CN=g2,DC=x".to_vec())])
            } else if asks(b"range=1-*") {
                let name = if mischief == Mischief::SameRange { "memberOf;range=0-0" } else { "memberOf;range=1-1" };
                entry("CN=1,DC=x", &[(name, b"CN=g1,DC=x".to_vec())])
            } else {
                object(base, mischief == Mischief::ReadOnly)
            };
            Some(whole(&[found, result(0x65, 0, b"")]))
        }
        0x66 => {
            let mischief = *shared.mischief.lock().expect("whole");
            play(mischief, &id, 0x67).unwrap_or_else(|| Some(whole(&[result(0x67, 0, b"")])))
        }
        _ => None,
    }
}

/// What is answered instead, if anything is: outer `None` is "be honest", inner `None` "hang up".
fn play(mischief: Mischief, id: &[u8], tag: u8) -> Option<Option<Vec<u8>>> {
    match mischief {
        Mischief::TextIsNoText => Some(Some(envelope(id, &result(tag, 80, &[0xff, 0xfe]), None))),
        Mischief::NoStructure if tag == 0x65 => Some(Some(envelope(id, &tlv(0x64, &tlv(4, b"CN=x")), None))),
        Mischief::NoStructure => Some(Some(envelope(id, &tlv(tag, &[]), None))),
        Mischief::NoLdap => Some(Some(vec![0x02, 0x01, 0x05, 0x30, 0x00, 0xff])),
        Mischief::HangUp => Some(None),
        Mischief::Busy => Some(Some(envelope(id, &result(tag, 51, b"busy\n\0"), None))),
        Mischief::RefuseSignIn => Some(None),
        Mischief::None
        | Mischief::CutShort
        | Mischief::NoPosition
        | Mischief::BusyTwice
        | Mischief::Ranges
        | Mischief::SameRange
        | Mischief::Sids
        | Mischief::ReadOnly => None,
    }
}

/// A page of two of the four accounts. Mischief is done on the second one.
fn page(id: &[u8], controls: &[u8], shared: &Shared) -> Option<Vec<u8>> {
    let second = controls.windows(6).any(|window| window == b"second");
    let mischief = *shared.mischief.lock().expect("whole");
    let numbers: [u8; 2] = if second { [3, 4] } else { [1, 2] };
    let mut answer: Vec<u8> = Vec::new();
    let busy = mischief == Mischief::BusyTwice && shared.busy.load(Ordering::SeqCst) > 0;
    if second && busy {
        shared.busy.fetch_sub(1, Ordering::SeqCst);
        return Some(envelope(id, &result(0x65, 51, b"busy"), None));
    }
    for number in numbers {
        let mut attributes = vec![("objectGUID", vec![number; 16]), ("sAMAccountName", vec![b'a' + number])];
        if number == 1 && matches!(mischief, Mischief::Ranges | Mischief::SameRange) {
            attributes.push(("memberOf;range=0-0", b"CN=g0,DC=x".to_vec()));
        }
        if mischief == Mischief::Sids {
            let fill = if number % 2 == 1 { b'd' } else { 0xff };
            let sid = [&[1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0][..], &[fill; 16]].concat();
            attributes.push(("objectSid", sid));
        }
        answer.extend(envelope(id, &entry(&format!("CN={number},DC=x"), &attributes), None));
    }
    if second && let Some(played) = play(mischief, id, 0x65) {
        answer.extend(played?);
        if mischief != Mischief::NoStructure {
            return Some(answer);
        }
    }
    let code = if second && mischief == Mischief::CutShort { 4 } else { 0 };
    let cookie: &[u8] = if second { b"" } else { b"second" };
    let value = tlv(0x30, &[tlv(2, &[0]), tlv(4, cookie)].concat());
    let control = tlv(0x30, &[tlv(4, b"1.2.840.113556.1.4.319"), tlv(4, &value)].concat());
    let control = tlv(0xa0, &control);
    let control = (!(second && mischief == Mischief::NoPosition)).then_some(control.as_slice());
    answer.extend(envelope(id, &result(0x65, code, b""), control));
    Some(answer)
}

fn object(base: &[u8], read_only: bool) -> Vec<u8> {
    let sid = [1, 4, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0];
    let text = |text: &str| text.as_bytes().to_vec();
    match base {
        b"" => entry(
            "",
            &[
                ("defaultNamingContext", text("DC=x")),
                ("dnsHostName", text("dc1.x")),
                ("dsServiceName", text("CN=NTDS Settings,CN=DC1,DC=x")),
                ("highestCommittedUSN", text("7")),
                // MS-ADTS 3.1.1.3.4.3: it is Active Directory; it is a read-only controller.
                (
                    "supportedCapabilities",
                    text(if read_only { "1.2.840.113556.1.4.1920" } else { "1.2.840.113556.1.4.800" }),
                ),
                // Its clock is in another century.
                ("currentTime", text("21261124055813.0Z")),
                ("isSynchronized", text("FALSE")),
            ],
        ),
        b"DC=x" => {
            let owner = text("CN=NTDS Settings,CN=DC9,DC=x");
            let (length, properties) = (text("11"), text("0"));
            entry(
                "DC=x",
                &[
                    ("objectSid", sid.to_vec()),
                    ("fSMORoleOwner", owner),
                    ("minPwdLength", length),
                    ("pwdProperties", properties),
                ],
            )
        }
        b"CN=DC9,DC=x" => entry("CN=DC9,DC=x", &[("dNSHostName", text("dc9.x"))]),
        _ => entry("CN=reset,DC=x", &[("objectGUID", vec![9; 16])]),
    }
}

fn entry(dn: &str, attributes: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let attributes: Vec<u8> = attributes
        .iter()
        .flat_map(|(name, value)| tlv(0x30, &[tlv(4, name.as_bytes()), tlv(0x31, &tlv(4, value))].concat()))
        .collect();
    tlv(0x64, &[tlv(4, dn.as_bytes()), tlv(0x30, &attributes)].concat())
}

fn result(tag: u8, code: u8, text: &[u8]) -> Vec<u8> {
    tlv(tag, &[tlv(10, &[code]), tlv(4, b""), tlv(4, text)].concat())
}

fn envelope(id: &[u8], operation: &[u8], controls: Option<&[u8]>) -> Vec<u8> {
    tlv(0x30, &[tlv(2, id), operation.to_vec(), controls.unwrap_or_default().to_vec()].concat())
}

/// One element in BER: a tag, a length in the long form of two bytes, the content.
fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("short").to_be_bytes();
    [&[tag, 0x82, length[0], length[1]], content].concat()
}

/// The first element: its tag, its content, and what follows.
fn take(bytes: &[u8]) -> (u8, &[u8], &[u8]) {
    if bytes.len() < 2 {
        return (0, &[], &[]);
    }
    let (length, header) = match bytes[1] {
        short @ 0..0x80 => (usize::from(short), 2),
        long => {
            let count = usize::from(long & 0x7f);
            (bytes[2..2 + count].iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), 2 + count)
        }
    };
    (bytes[0], &bytes[header..header + length], &bytes[header + length..])
}

/// The content of the next message.
async fn read_message(stream: &mut TlsStream<TcpStream>) -> Option<Vec<u8>> {
    stream.read_u8().await.ok()?;
    let first = stream.read_u8().await.ok()?;
    let length = if first < 0x80 {
        usize::from(first)
    } else {
        let mut length = 0;
        for _ in 0..first & 0x7f {
            length = length << 8 | usize::from(stream.read_u8().await.ok()?);
        }
        length
    };
    let mut content = vec![0; length];
    stream.read_exact(&mut content).await.ok()?;
    Some(content)
}
