//! Frames over sockets as they are, with no client library between: what a server really says.

use hufu_ident::Reference;
use hufu_ident::systems::handle::proof;
use hufu_ident::systems::handle::wire::{
    Body, ChallengeAnswer, Content, ENVELOPE_OCTETS, Envelope, Header, Message, OpCode, Plain, flag,
};
use hufu_ident::{SelectionBuf, Value};
use rsa::RsaPrivateKey;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long an answer may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// One TCP connection.
pub struct Talk {
    stream: TcpStream,
}

impl Talk {
    pub fn connect(to: SocketAddr) -> Self {
        let stream = TcpStream::connect_timeout(&to, PATIENCE).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        stream.set_nodelay(true).expect("no delay");
        Talk { stream }
    }

    /// Sends octets, whatever they are.
    pub fn send(&mut self, octets: &[u8]) -> &mut Self {
        self.stream.write_all(octets).expect("the server reads");
        self
    }

    /// Sends octets to a server that may have closed the connection.
    pub fn try_send(&mut self, octets: &[u8]) -> bool {
        self.stream.write_all(octets).is_ok()
    }

    /// Says that nothing more will come.
    pub fn end(&mut self) -> &mut Self {
        let _ = self.stream.shutdown(Shutdown::Write);
        self
    }

    /// The next frame; `None` when the server closed the connection. Panics when nothing comes.
    pub fn receive(&mut self) -> Option<Vec<u8>> {
        self.receive_within(PATIENCE).expect("an answer, or the end, in time")
    }

    /// The next frame within a time: an error when nothing came.
    pub fn receive_within(&mut self, limit: Duration) -> Result<Option<Vec<u8>>, ErrorKind> {
        self.stream.set_read_timeout(Some(limit)).expect("a time limit");
        let mut frame = vec![0; ENVELOPE_OCTETS];
        match self.stream.read_exact(&mut frame) {
            Ok(()) => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return Err(error.kind());
            }
            Err(_) => return Ok(None),
        }
        let length = frame[16..20].try_into().map(u32::from_be_bytes).expect("four octets");
        assert!(length < 1 << 20, "the server announces {length} octets");
        frame.resize(ENVELOPE_OCTETS + length as usize, 0);
        self.stream.read_exact(&mut frame[ENVELOPE_OCTETS..]).expect("the rest of a frame");
        Ok(Some(frame))
    }

    /// The next frame, decoded.
    #[track_caller]
    pub fn message(&mut self) -> Message {
        let frame = self.receive().expect("the server answers before it closes");
        Message::decode(&frame).unwrap_or_else(|error| panic!("{error}: {}", hex::encode(&frame)))
    }

    /// Sends a message and waits for one.
    #[track_caller]
    pub fn ask(&mut self, message: &Message) -> Message {
        self.send(&message.to_bytes()).message()
    }

    /// Asks, and answers the challenge that follows, if one does.
    #[track_caller]
    pub fn ask_as(&mut self, message: &Message, who: &Who) -> Message {
        let answer = self.ask(message);
        match is_challenge(&answer) {
            true => self.ask(&who.prove(&answer)),
            false => answer,
        }
    }
}

pub fn is_challenge(message: &Message) -> bool {
    matches!(message.plain(), Some(Plain { body: Body::Challenge { .. }, .. }))
}

/// The response code of an answer.
#[track_caller]
pub fn code(message: &Message) -> u32 {
    message.plain().expect("a plain answer").header.response.0
}

/// The text of an error answer.
pub fn text(message: &Message) -> String {
    match message.plain().map(|plain| &plain.body) {
        Some(Body::Error { message: Some(text), .. }) => String::from_utf8_lossy(text).into_owned(),
        _ => String::new(),
    }
}

/// The values of an answer or a referral, or none.
pub fn values(message: &Message) -> Vec<Value> {
    match message.plain().map(|plain| &plain.body) {
        Some(Body::Values { values, .. }) => values.clone(),
        Some(Body::Referral { values: Some(values), .. }) => values.clone(),
        _ => Vec::new(),
    }
}

/// Somebody who can prove who they are.
pub struct Who {
    pub name: Reference,
    pub proof: Proof,
}

pub enum Proof {
    Secret(Vec<u8>),
    Key(Box<RsaPrivateKey>),
}

impl Who {
    pub fn secret(name: &str, secret: &str) -> Self {
        Who { name: Reference::parse(name).expect("index:handle"), proof: Proof::Secret(secret.into()) }
    }

    pub fn key(name: &str, key: RsaPrivateKey) -> Self {
        Who { name: Reference::parse(name).expect("index:handle"), proof: Proof::Key(Box::new(key)) }
    }

    /// The answer to a challenge.
    pub fn prove(&self, challenge: &Message) -> Message {
        let (envelope, plain) = (challenge.envelope, challenge.plain().expect("a plain challenge"));
        let Body::Challenge { nonce, digest } = &plain.body else { panic!("no challenge: {plain:?}") };
        let digest = plain.digest.as_ref().map(|digest| &digest.digest).or(digest.as_ref()).expect("a digest");
        let version = proof::lower(envelope.version, envelope.suggested_version());
        let (auth_type, signed_response) = match &self.proof {
            Proof::Secret(secret) => ("HS_SECKEY", proof::prove_secret(secret, version, nonce, digest, rand::random())),
            Proof::Key(key) => (
                "HS_PUBKEY",
                proof::prove_rsa(&mut rand::rngs::OsRng, key, version, nonce, digest).expect("a signature"),
            ),
        };
        let answer = ChallengeAnswer {
            auth_type: auth_type.into(),
            user: self.name.handle.clone(),
            index: self.name.index,
            signed_response,
        };
        let mut proof = request(OpCode::RESPONSE_TO_CHALLENGE, flag::DEFAULT_QUERY, Body::ChallengeAnswer(answer));
        proof.envelope.version = envelope.version;
        proof.envelope.session_id = envelope.session_id;
        proof
    }
}

/// A request with a fresh id.
pub fn request(op: OpCode, flags: u32, body: Body) -> Message {
    static IDS: AtomicU32 = AtomicU32::new(1);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs();
    Message::new(Envelope::new(IDS.fetch_add(1, Ordering::Relaxed)), Header::request(op, flags, now), body)
}

/// A question for all public values of a name.
pub fn question(name: &str) -> Message {
    resolution(name, flag::DEFAULT_QUERY, SelectionBuf::default())
}

/// A question with flags and a selection.
pub fn resolution(name: &str, flags: u32, selection: SelectionBuf) -> Message {
    request(OpCode::RESOLUTION, flags, Body::Resolve { handle: name.into(), selection })
}

/// An operation on a name with values.
pub fn with_values(op: OpCode, flags: u32, name: &str, values: Vec<Value>) -> Message {
    request(op, flags, Body::Values { handle: name.into(), values })
}

/// An operation on a name alone.
pub fn with_name(op: OpCode, name: &str) -> Message {
    request(op, flag::DEFAULT_QUERY, Body::Name(name.into()))
}

/// The plain content of a message, to be changed.
pub fn plain_mut(message: &mut Message) -> &mut Plain {
    match &mut message.content {
        Content::Plain(plain) => plain,
        Content::Sealed(_) => panic!("a sealed message"),
    }
}

/// Asks by UDP, once; `None` when nothing comes within `limit`.
pub fn ask_udp(to: SocketAddr, message: &Message, limit: Duration) -> Option<Message> {
    let frame = message.to_bytes();
    let answer = crate::block_on(hufu_net::udp_exchange(to, &frame, &[limit])).ok()?;
    Some(Message::decode(&answer).expect("a message"))
}
