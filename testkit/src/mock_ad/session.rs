//! One connection: requests in, answers out, faults in between.

use std::collections::HashSet;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::BytesMut;
use identity_core::limits::clock;
use ldap3_proto::proto::{LdapMsg, LdapOp, LdapSearchScope};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;

use super::modify::Asker;
use super::operations::{self, Answer};
use super::replica;
use super::reply::Reply;
use super::search::Pages;
use super::server::Server;
use super::store::EntryRef;
use super::wire::{self, tag};
use crate::fault::{Fault, Operation};

const START_TLS: &str = "1.3.6.1.4.1.1466.20037";
const NOTICE_OF_DISCONNECTION: &str = "1.3.6.1.4.1.1466.20036";
/// How long an overtaken answer waits for another to overtake it.
const OVERTAKEN_AT_MOST: Duration = Duration::from_secs(1);

/// What goes to the peer.
enum Out {
    Bytes(BytesMut),
    Cut,
}

/// The state of a connection.
struct Session {
    server: Arc<Server>,
    out: UnboundedSender<Out>,
    cut: CancellationToken,
    asker: Mutex<Asker>,
    pages: Mutex<Pages>,
    held: Mutex<Vec<BytesMut>>,
    abandoned: Mutex<HashSet<i32>>,
}

/// How a connection goes on after a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    On,
    End,
    StartTls,
}

/// Serves a connection to its end, or until StartTLS, when the stream is given back.
pub(super) async fn serve<S>(
    server: Arc<Server>,
    stream: S,
    secure: bool,
    cut: CancellationToken,
) -> io::Result<Option<S>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut reader, writer) = tokio::io::split(stream);
    let (out, outgoing) = unbounded_channel();
    let writing = tokio::spawn(write(writer, outgoing));
    let session = Arc::new(Session {
        server,
        out,
        cut,
        asker: Mutex::new(Asker { account: None, secure }),
        pages: Mutex::default(),
        held: Mutex::default(),
        abandoned: Mutex::default(),
    });
    let upgrade = session.read(&mut reader).await;
    drop(session);
    if !upgrade? {
        return Ok(None);
    }
    let writer = writing.await.map_err(io::Error::other)??;
    Ok(Some(reader.unsplit(writer)))
}

/// Writes what there is in as few pieces as possible; gives the half back at the end.
async fn write<S>(mut writer: WriteHalf<S>, mut outgoing: UnboundedReceiver<Out>) -> io::Result<WriteHalf<S>>
where
    S: AsyncRead + AsyncWrite + Send,
{
    let mut open = true;
    while open {
        let Some(first) = outgoing.recv().await else { break };
        let mut next = Some(first);
        while let Some(out) = next {
            match out {
                Out::Bytes(bytes) => writer.write_all(&bytes).await?,
                Out::Cut => open = false,
            }
            next = if open { outgoing.try_recv().ok() } else { None };
        }
        writer.flush().await?;
    }
    Ok(writer)
}

impl Session {
    /// Reads to the end; whether StartTLS is to follow.
    async fn read<S>(self: &Arc<Self>, reader: &mut ReadHalf<S>) -> io::Result<bool>
    where
        S: AsyncRead + AsyncWrite + Send,
    {
        let mut incoming = BytesMut::with_capacity(16 * 1024);
        loop {
            let mut answers = BytesMut::new();
            let mut flow = Flow::On;
            while flow == Flow::On && !self.cut.is_cancelled() {
                match wire::decode(&mut incoming) {
                    Ok(Some(message)) => flow = self.receive(message, &mut answers),
                    Ok(None) => break,
                    Err(error) => {
                        notice(&mut answers, &Reply::protocol_error("Error decoding ldap message"));
                        self.send(answers);
                        self.end();
                        return Err(error);
                    }
                }
            }
            self.send(answers);
            match flow {
                Flow::StartTls => return Ok(true),
                Flow::End => return Ok(false),
                Flow::On => {}
            }
            tokio::select! {
                () = self.cut.cancelled() => {
                    // A sudden end from outside; after a fault the writer has ended already.
                    let _ = self.out.send(Out::Cut);
                    return Ok(false);
                }
                read = reader.read_buf(&mut incoming) => if read? == 0 { return Ok(false) },
            }
        }
    }

    fn receive(self: &Arc<Self>, message: LdapMsg, answers: &mut BytesMut) -> Flow {
        self.server.store().record.enter();
        match &message.op {
            LdapOp::UnbindRequest => {
                self.server.store().record.leave();
                return Flow::End;
            }
            LdapOp::AbandonRequest(id) => {
                lock(&self.abandoned).insert(*id);
                self.server.store().record.leave();
                return Flow::On;
            }
            LdapOp::ExtendedRequest(request) if request.name == START_TLS => {
                let secure = lock(&self.asker).secure;
                let reply =
                    if secure { Reply::refuse(1, "00000000: TLS is already in effect") } else { Reply::success() };
                wire::result(answers, message.msgid, tag::EXTENDED, &Reply { name: Some(START_TLS.into()), ..reply });
                self.server.store().record.leave();
                return if secure { Flow::On } else { Flow::StartTls };
            }
            _ => {}
        }
        let fault = self.fault(&message);
        // Signing in is never delayed: nothing else may be under way on the connection then.
        let bind = matches!(message.op, LdapOp::BindRequest(_));
        let latency = if bind { Duration::ZERO } else { self.server.latency() };
        let delay = latency + if let Some(Fault::Slow(extra)) = fault { extra } else { Duration::ZERO };
        if delay.is_zero() {
            let mut answer = BytesMut::new();
            let flow = self.answer(&message, fault, &mut answer);
            answers.extend_from_slice(&answer);
            if !answer.is_empty() {
                lock(&self.held).drain(..).for_each(|held| answers.extend_from_slice(&held));
            }
            if flow == Flow::End {
                self.send(std::mem::take(answers));
                self.end();
            }
            return flow;
        }
        let session = Arc::clone(self);
        tokio::spawn(async move { session.answer_later(message, fault, delay).await });
        Flow::On
    }

    /// Waits for a worker, works as long as the delay says, and answers; meanwhile others are
    /// answered.
    async fn answer_later(self: Arc<Self>, message: LdapMsg, fault: Option<Fault>, delay: Duration) {
        let permit = self.server.workers.acquire().await;
        tokio::select! {
            () = clock::sleep(delay) => {}
            () = self.cut.cancelled() => {
                self.server.store().record.leave();
                return;
            }
        }
        let mut answer = BytesMut::new();
        let flow = self.answer(&message, fault, &mut answer);
        drop(permit);
        if !answer.is_empty() {
            lock(&self.held).drain(..).for_each(|held| answer.extend_from_slice(&held));
        }
        self.send(answer);
        if flow == Flow::End {
            self.end();
        }
    }

    /// Carries a request out, or does what the fault says instead.
    fn answer(self: &Arc<Self>, message: &LdapMsg, fault: Option<Fault>, out: &mut BytesMut) -> Flow {
        let abandoned = lock(&self.abandoned).remove(&message.msgid);
        let flow = if abandoned { Flow::On } else { self.answer_with(message, fault, out) };
        self.server.store().record.leave();
        flow
    }

    fn answer_with(self: &Arc<Self>, message: &LdapMsg, fault: Option<Fault>, out: &mut BytesMut) -> Flow {
        let refuse = |reply: &Reply, out: &mut BytesMut| {
            wire::result(out, message.msgid, operations::answer_tag(&message.op), reply);
            Flow::On
        };
        match fault {
            None | Some(Fault::Slow(_)) => self.perform(message, None, out),
            Some(fault @ (Fault::RefusePassword | Fault::Forbid | Fault::TruncatedPage)) => {
                self.perform(message, Some(&fault), out);
            }
            Some(Fault::CutBeforeApply) => return Flow::End,
            Some(Fault::CutAfterApply | Fault::GatewayTimeout) => {
                self.perform(message, None, &mut BytesMut::new());
                return Flow::End;
            }
            Some(Fault::CutMidAnswer) => {
                self.perform(message, None, out);
                out.truncate(out.len() / 2);
                return Flow::End;
            }
            Some(Fault::NeverAnswer) => self.perform(message, None, &mut BytesMut::new()),
            Some(Fault::Swallow) => {}
            Some(Fault::LateApply(delay)) => {
                let (session, message) = (Arc::clone(self), message.clone());
                tokio::spawn(async move {
                    clock::sleep(delay).await;
                    session.perform(&message, None, &mut BytesMut::new());
                });
                return Flow::End;
            }
            Some(Fault::Busy | Fault::Throttle(_) | Fault::Conflict) => return refuse(&Reply::busy(), out),
            Some(Fault::Unavailable | Fault::BadGateway) => return refuse(&Reply::unavailable(), out),
            Some(Fault::GarbledMessage) => {
                return refuse(&Reply { text: vec![0x30, 0xFF, 0xFE, 0xC3, 0x28], ..Reply::busy() }, out);
            }
            Some(Fault::NoticeOfDisconnection) => {
                notice(out, &Reply::unavailable());
                return Flow::End;
            }
            Some(Fault::Overtaken) => self.hold(message),
        }
        Flow::On
    }

    fn perform(&self, message: &LdapMsg, fault: Option<&Fault>, out: &mut BytesMut) {
        let asker = *lock(&self.asker);
        let changed = self.carry_out(asker, message, fault, out);
        if let Some(account) = changed {
            replica::tell_others(&self.server, account);
        }
    }

    /// Gives the account that was written to, perhaps in vain.
    fn carry_out(&self, asker: Asker, message: &LdapMsg, fault: Option<&Fault>, out: &mut BytesMut) -> Option<u32> {
        let mut store = self.server.store();
        let mut pages = lock(&self.pages);
        let Answer { signed_in } = operations::perform(&mut store, &mut pages, asker, message, fault, out);
        if let Some(account) = signed_in {
            lock(&self.asker).account = account;
        }
        match &message.op {
            LdapOp::ModifyRequest(request) => match store.resolve(&request.dn) {
                Some(EntryRef::Account(account)) => Some(account),
                _ => None,
            },
            _ => None,
        }
    }

    /// Keeps an answer back until the next one has gone, or for a second.
    fn hold(self: &Arc<Self>, message: &LdapMsg) {
        let mut answer = BytesMut::new();
        self.perform(message, None, &mut answer);
        lock(&self.held).push(answer);
        let session = Arc::clone(self);
        tokio::spawn(async move {
            clock::sleep(OVERTAKEN_AT_MOST).await;
            let held: Vec<BytesMut> = lock(&session.held).drain(..).collect();
            held.into_iter().for_each(|answer| session.send(answer));
        });
    }

    fn fault(&self, message: &LdapMsg) -> Option<Fault> {
        if self.server.faults.is_empty() {
            return None;
        }
        let (operation, name) = match &message.op {
            LdapOp::BindRequest(_) => (Operation::SignIn, None),
            LdapOp::SearchRequest(request) => {
                (Operation::Read, (request.scope == LdapSearchScope::Base).then_some(request.base.as_str()))
            }
            LdapOp::ModifyRequest(request) => (Operation::Write, Some(request.dn.as_str())),
            _ => return None,
        };
        let account = name.and_then(|name| self.server.guid_of(name)).map(|guid| guid.to_string());
        let fault = self.server.faults.next(operation, account.as_deref());
        if fault.is_some() {
            self.server.store().record.counts.faults += 1;
        }
        fault
    }

    fn send(&self, bytes: BytesMut) {
        if !bytes.is_empty() {
            // The writer is gone when the peer is.
            let _ = self.out.send(Out::Bytes(bytes));
        }
    }

    fn end(&self) {
        let _ = self.out.send(Out::Cut);
        self.cut.cancel();
    }
}

fn notice(out: &mut BytesMut, reply: &Reply) {
    let reply = Reply { name: Some(NOTICE_OF_DISCONNECTION.into()), ..reply.clone() };
    wire::result(out, 0, tag::EXTENDED, &reply);
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
