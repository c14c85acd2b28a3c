//! Mail.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::ClientId;

use super::settings::{SecretPlace, SmtpSettings, is_loopback};
use super::{Channel, Message};
use crate::error::{Error, ErrorKind, Result, Status};
use crate::limits::clock;

const SEND: &str = "send mail";
/// The longest wait for one answer; RFC 5321 4.5.3.2 grants servers up to ten minutes after the data, and
/// whoever waits as long holds a connection that others need.
const PATIENCE: Duration = Duration::from_secs(60);
/// Connections that are kept for the next message.
const MOST_KEPT: usize = 64;

/// Mail over SMTP. A server that is not on this machine is spoken to over TLS only.
pub struct Smtp {
    name: String,
    settings: SmtpSettings,
    from: Mailbox,
    reply_to: Option<Mailbox>,
    credentials: Option<Credentials>,
    tls: Option<TlsParameters>,
    kept: Mutex<Vec<AsyncSmtpConnection>>,
}

impl Smtp {
    pub(super) fn new(name: &str, settings: &SmtpSettings) -> Result<Self> {
        let wrong =
            |what: String| Error::new(ErrorKind::ConfigInvalid, SEND).with_detail(format!("channel {name}: {what}"));
        let mailbox = |text: &str| text.parse::<Mailbox>().map_err(|fault| wrong(format!("{text:?}: {fault}")));
        let tls = if settings.plain {
            if !is_loopback(&settings.server) {
                return Err(wrong("without TLS only a server on this machine is spoken to".to_owned()));
            }
            None
        } else {
            let mut tls = TlsParameters::builder(settings.server.clone());
            if let Some(file) = &settings.ca_file {
                let pem = std::fs::read(file).map_err(|fault| wrong(format!("{}: {fault}", file.display())))?;
                let roots =
                    Certificate::from_pem(&pem).map_err(|fault| wrong(format!("{}: {fault}", file.display())))?;
                tls = tls.add_root_certificate(roots);
            }
            Some(tls.build_rustls().map_err(|fault| wrong(fault.to_string()))?)
        };
        let password = match &settings.password {
            SecretPlace::Nowhere => None,
            SecretPlace::Environment(variable) => {
                Some(std::env::var(variable).map_err(|_| wrong(format!("the variable {variable} is not set")))?)
            }
            SecretPlace::File(path) => {
                Some(std::fs::read_to_string(path).map_err(|fault| wrong(format!("{}: {fault}", path.display())))?)
            }
        };
        let credentials = settings.user.clone().zip(password);
        Ok(Self {
            name: name.to_owned(),
            from: mailbox(&settings.from)?,
            reply_to: settings.reply_to.as_deref().map(mailbox).transpose()?,
            credentials: credentials
                .map(|(user, word)| Credentials::new(user, word.trim_end_matches(['\r', '\n']).to_owned())),
            tls,
            settings: settings.clone(),
            kept: Mutex::default(),
        })
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection> {
        let (at, hello) = ((self.settings.server.as_str(), self.settings.port), ClientId::default());
        let first = self.tls.clone().filter(|_| self.settings.implicit_tls);
        let connect = AsyncSmtpConnection::connect_tokio1(at, Some(PATIENCE), &hello, first, None);
        let mut connection = answered(connect).await?.map_err(|fault| judged(&fault, Phase::Before))?;
        if let Some(tls) = self.tls.clone().filter(|_| !self.settings.implicit_tls) {
            if !connection.can_starttls() {
                return Err(Error::new(ErrorKind::ConfigInvalid, SEND)
                    .with_detail(format!("{} does not offer STARTTLS", self.settings.server))
                    .with_advice("mail goes over TLS or not at all: use the port that speaks it, tls = \"tls\""));
            }
            answered(connection.starttls(tls, &hello)).await?.map_err(|fault| judged(&fault, Phase::Before))?;
        }
        if let Some(credentials) = &self.credentials {
            let signed = answered(connection.auth(&[Mechanism::Plain, Mechanism::Login], credentials)).await?;
            signed.map_err(|fault| match fault.is_permanent() || fault.is_client() {
                true => Error::new(ErrorKind::Unauthenticated, SEND).with_detail(words(&fault)),
                false => judged(&fault, Phase::Before),
            })?;
        }
        Ok(connection)
    }

    fn build(&self, message: &Message) -> Result<lettre::Message> {
        let wrong = |what: String| Error::new(ErrorKind::InputInvalid, SEND).with_detail(what);
        let address = message.address.parse().map_err(|fault| wrong(format!("the address is none: {fault}")))?;
        let name = Some(message.name.clone()).filter(|name| !name.is_empty());
        let mut mail = lettre::Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(name, address))
            .subject(message.subject.clone())
            .message_id(Some(format!("<{}@{}>", message.id, self.from.email.domain())));
        if let Some(reply_to) = &self.reply_to {
            mail = mail.reply_to(reply_to.clone());
        }
        // RFC 3834: nobody's holiday notice answers it.
        if let Ok(header) = HeaderName::new_from_ascii("Auto-Submitted".to_owned()) {
            mail = mail.raw_header(HeaderValue::new(header, "auto-generated".to_owned()));
        }
        match &message.html {
            Some(html) => mail.multipart(MultiPart::alternative_plain_html(message.text.clone(), html.clone())),
            None => mail.singlepart(lettre::message::SinglePart::plain(message.text.clone())),
        }
        .map_err(|fault| wrong(fault.to_string()))
    }
}

#[async_trait]
impl Channel for Smtp {
    fn name(&self) -> &str {
        &self.name
    }

    fn repeats_safely(&self) -> bool {
        false
    }

    async fn send(&self, message: &Message) -> Result<String> {
        let mail = self.build(message)?;
        let (envelope, body) = (mail.envelope().clone(), mail.formatted());
        let (kept, mut connection) = {
            let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).pop();
            match kept {
                Some(connection) => (true, connection),
                None => (false, self.connect().await?),
            }
        };
        let mut begun = answered(connection.command(Mail::new(envelope.from().cloned(), Vec::new()))).await;
        // A server ends connections that were idle; what it ended carried nothing.
        if kept && begun.as_ref().map_or(true, |begun| begun.as_ref().is_err_and(|fault| fault.status().is_none())) {
            connection = self.connect().await?;
            begun = answered(connection.command(Mail::new(envelope.from().cloned(), Vec::new()))).await;
        }
        begun?.map_err(|fault| judged(&fault, Phase::Before))?;
        for to in envelope.to() {
            let answer = answered(connection.command(Rcpt::new(to.clone(), Vec::new()))).await?;
            answer.map_err(|fault| judged(&fault, Phase::Before))?;
        }
        answered(connection.command(Data)).await?.map_err(|fault| judged(&fault, Phase::Before))?;
        // From here on the server may have it whatever happens to the connection.
        let answer = answered(connection.message(&body)).await;
        let answer = answer.map_err(|error| error.with_meaning(ErrorKind::Timeout, Status::Unknown))?;
        let answer = answer.map_err(|fault| judged(&fault, Phase::After))?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < MOST_KEPT {
            kept.push(connection);
        }
        let code = answer.code();
        Ok(super::addressee::plain(&format!("{code} {}", answer.first_line().unwrap_or_default())))
    }
}

/// Whether the message itself was under way.
#[derive(Clone, Copy)]
enum Phase {
    Before,
    After,
}

async fn answered<T>(answer: impl Future<Output = T>) -> Result<T> {
    clock::within(PATIENCE, answer).await.map_err(|elapsed| {
        Error::new(ErrorKind::Timeout, SEND).with_status(Status::Temporary).with_detail(elapsed.to_string())
    })
}

/// What a fault means: 4yz is for now, 5yz for good (RFC 5321 4.2.1); without a reply nothing was
/// accepted before the data, and nobody knows after it.
fn judged(fault: &SmtpError, phase: Phase) -> Error {
    let (kind, status) = match (fault.is_transient(), fault.is_permanent(), phase) {
        (true, _, _) => (ErrorKind::RateLimited, Status::Temporary),
        (_, true, _) => (ErrorKind::InputInvalid, Status::Permanent),
        (.., Phase::Before) if fault.is_client() || fault.is_tls() => (ErrorKind::ConfigInvalid, Status::Permanent),
        (.., Phase::Before) => (ErrorKind::Transport, Status::Temporary),
        (.., Phase::After) => (ErrorKind::Transport, Status::Unknown),
    };
    Error::new(kind, SEND).with_status(status).with_detail(words(fault))
}

fn words(fault: &SmtpError) -> String {
    let cause = std::error::Error::source(fault).map(|cause| format!(": {cause}")).unwrap_or_default();
    super::addressee::plain(&format!("{fault}{cause}"))
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Smtp").field("name", &self.name).field("server", &self.settings.server).finish_non_exhaustive()
    }
}
