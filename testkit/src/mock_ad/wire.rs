//! Requests from bytes, by `ldap3_proto`, and answers to bytes, by hand.
//!
//! Answers are written here because Active Directory's are not quite what a library would write:
//! every length takes four bytes, diagnostic messages end in a zero byte or are not text at all.
//! It is faster, too: an entry goes from the store to the buffer without a tree in between.

use std::io;

use bytes::{Buf, BufMut, BytesMut};
use ldap3_lber::parse::{DEFAULT_MAX_BER_DEPTH, Parser};
use ldap3_lber::structure::{PL, StructureTag};
use ldap3_proto::proto::LdapMsg;

use super::reply::Reply;

/// MaxReceiveBuffer of Active Directory.
const MOST_BYTES: usize = 10_485_760;
/// The tag of a search request: application 3.
const SEARCH_REQUEST: u64 = 3;
/// Before the hexadecimal digits of a filter value that is not valid UTF-8: `ldap3_proto` keeps
/// filter values as text only.
const BINARY_MARK: char = '\u{F8FF}';

/// Application tags of answers.
pub(super) mod tag {
    pub(in super::super) const BIND: u8 = 0x61;
    pub(in super::super) const ENTRY: u8 = 0x64;
    pub(in super::super) const SEARCH_DONE: u8 = 0x65;
    pub(in super::super) const REFERENCE: u8 = 0x73;
    pub(in super::super) const MODIFY: u8 = 0x67;
    pub(in super::super) const ADD: u8 = 0x69;
    pub(in super::super) const DELETE: u8 = 0x6B;
    pub(in super::super) const RENAME: u8 = 0x6D;
    pub(in super::super) const COMPARE: u8 = 0x6F;
    pub(in super::super) const EXTENDED: u8 = 0x78;
}

/// The next whole request, if there is one in `buffer`.
pub(super) fn decode(buffer: &mut BytesMut) -> io::Result<Option<LdapMsg>> {
    if buffer.is_empty() {
        return Ok(None);
    }
    let (taken, mut message) = match Parser::new(DEFAULT_MAX_BER_DEPTH).parse(buffer) {
        Ok((rest, message)) => (buffer.len() - rest.len(), message),
        Err(error) if error.is_incomplete() && buffer.len() < MOST_BYTES => return Ok(None),
        Err(_) => return Err(io::Error::other("not an LDAP message, or too long")),
    };
    buffer.advance(taken);
    if let PL::C(parts) = &mut message.payload {
        parts.iter_mut().filter(|part| part.id == SEARCH_REQUEST).for_each(mark_binary);
    }
    LdapMsg::try_from(message).map(Some).map_err(io::Error::other)
}

/// The bytes of a filter value.
pub(super) fn filter_bytes(value: &str) -> Vec<u8> {
    match value.strip_prefix(BINARY_MARK) {
        Some(digits) => super::sid::from_hex(digits).unwrap_or_default(),
        None => value.as_bytes().to_vec(),
    }
}

fn mark_binary(part: &mut StructureTag) {
    match &mut part.payload {
        PL::C(parts) => parts.iter_mut().for_each(mark_binary),
        PL::P(bytes) if std::str::from_utf8(bytes).is_err() => {
            let mut marked = String::from(BINARY_MARK);
            marked.extend(bytes.iter().map(|byte| format!("{byte:02x}")));
            *bytes = marked.into_bytes();
        }
        PL::P(_) => {}
    }
}

/// Writes BER at the end of a buffer.
#[derive(Debug)]
pub(super) struct Ber<'a>(pub(super) &'a mut BytesMut);

impl Ber<'_> {
    /// A constructed value; `inside` writes its parts.
    pub(super) fn within(&mut self, tag: u8, inside: impl FnOnce(&mut Ber<'_>)) {
        self.0.put_u8(tag);
        self.0.put_u8(0x84);
        let at = self.0.len();
        self.0.put_u32(0);
        inside(&mut Ber(self.0));
        let length = u32::try_from(self.0.len() - at - 4).unwrap_or(u32::MAX);
        if let Some(place) = self.0.get_mut(at..at + 4) {
            place.copy_from_slice(&length.to_be_bytes());
        }
    }

    pub(super) fn bytes(&mut self, tag: u8, value: &[u8]) {
        self.0.put_u8(tag);
        match u8::try_from(value.len()) {
            Ok(short @ 0..128) => self.0.put_u8(short),
            _ => {
                self.0.put_u8(0x84);
                self.0.put_u32(u32::try_from(value.len()).unwrap_or(u32::MAX));
            }
        }
        self.0.put_slice(value);
    }

    pub(super) fn text(&mut self, value: &str) {
        self.bytes(0x04, value.as_bytes());
    }

    pub(super) fn integer(&mut self, tag: u8, value: i64) {
        let bytes = value.to_be_bytes();
        // The fewest bytes that keep the sign.
        let spare = bytes.windows(2).take_while(|pair| {
            matches!((pair.first(), pair.last()), (Some(0), Some(0..128)) | (Some(255), Some(128..)))
        });
        let spare = spare.count().min(7);
        self.bytes(tag, bytes.get(spare..).unwrap_or(&bytes));
    }
}

/// Writes an answer that ends an operation.
pub(super) fn result(out: &mut BytesMut, id: i32, tag: u8, reply: &Reply) {
    Ber(out).within(0x30, |message| {
        message.integer(0x02, i64::from(id));
        message.within(tag, |op| {
            op.integer(0x0A, i64::from(reply.code));
            op.text(&reply.matched);
            op.bytes(0x04, &reply.text);
            if let Some(referral) = &reply.referral {
                op.within(0xA3, |list| list.text(referral));
            }
            if let Some(name) = &reply.name {
                op.bytes(0x8A, name.as_bytes());
            }
            if let Some(value) = &reply.value {
                op.bytes(0x8B, value);
            }
        });
        if let Some(cookie) = &reply.page_cookie {
            message.within(0xA0, |controls| {
                controls.within(0x30, |control| {
                    control.text("1.2.840.113556.1.4.319");
                    let mut value = BytesMut::new();
                    Ber(&mut value).within(0x30, |page| {
                        page.integer(0x02, 0);
                        page.bytes(0x04, cookie);
                    });
                    control.bytes(0x04, &value);
                });
            });
        }
    });
}

/// Writes an entry of a search; `attributes` writes each attribute with [`attribute`].
pub(super) fn entry(out: &mut BytesMut, id: i32, dn: &str, attributes: impl FnOnce(&mut Ber<'_>)) {
    Ber(out).within(0x30, |message| {
        message.integer(0x02, i64::from(id));
        message.within(tag::ENTRY, |op| {
            op.text(dn);
            op.within(0x30, attributes);
        });
    });
}

/// Writes a reference to another naming context.
pub(super) fn reference(out: &mut BytesMut, id: i32, to: &str) {
    Ber(out).within(0x30, |message| {
        message.integer(0x02, i64::from(id));
        message.within(tag::REFERENCE, |op| op.text(to));
    });
}

/// Writes an attribute of an entry.
pub(super) fn attribute(list: &mut Ber<'_>, name: &str, values: impl FnOnce(&mut Ber<'_>)) {
    list.within(0x30, |attribute| {
        attribute.text(name);
        attribute.within(0x31, values);
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use ldap3_proto::proto::{LdapOp, LdapResultCode};

    #[test]
    fn a_library_reads_what_is_written_here() {
        for (code, id) in [(0u32, 1), (49, 127), (51, 128), (53, 70_000)] {
            let mut out = BytesMut::new();
            let reply = Reply { code, text: b"data 52e\0".to_vec(), ..Reply::default() };
            result(&mut out, id, tag::MODIFY, &reply);
            let message = decode(&mut out).unwrap().unwrap();
            assert_eq!(message.msgid, id);
            let LdapOp::ModifyResponse(read) = message.op else { panic!("another operation") };
            assert_eq!(read.code.clone() as i64, i64::from(code));
            assert_ne!(read.code, LdapResultCode::Other);
            assert_eq!(read.message, "data 52e\0");
            assert!(out.is_empty());
        }
    }
}
