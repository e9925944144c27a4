//! Enemies and accidents: octets that are no message, frames that never end, floods. The node says what is wrong
//! where it can, hangs nowhere, and goes on serving everybody else.

use crate::{Alone, url};
use hufu_ident::SelectionBuf;
use hufu_ident::systems::handle::wire::{Body, ENVELOPE_OCTETS, Envelope, Message, OpCode, flag, split_packets};
use hufu_testkit::talk::{self, Talk, code, plain_mut, question, request};
use hufu_testkit::{Web, block_on, eventually};
use std::collections::HashSet;
use std::net::UdpSocket;
use std::thread::spawn;
use std::time::{Duration, Instant};

const NAME: &str = "88.118.8/engine";

fn node() -> Alone {
    let alone = Alone::start();
    block_on(alone.node.admin_client().create(NAME, vec![url(1, "https://works.example/")], false)).unwrap();
    alone
}

/// The node still answers, by a connection of its own.
#[track_caller]
fn lives(alone: &Alone) {
    let answer = Talk::connect(alone.node.handle()).ask(&question(NAME));
    assert_eq!(code(&answer), 1);
}

/// The connection goes on: a good question is answered.
#[track_caller]
fn goes_on(talk: &mut Talk) {
    let question = question(NAME);
    let answer = talk.ask(&question);
    assert_eq!((code(&answer), answer.envelope.request_id), (1, question.envelope.request_id));
}

fn with_length(mut frame: Vec<u8>, length: u32) -> Vec<u8> {
    frame[16..20].copy_from_slice(&length.to_be_bytes());
    frame
}

/// A frame whose body octets from `at` are replaced.
fn broken(at: usize, octets: &[u8]) -> Vec<u8> {
    let mut frame = question(NAME).to_bytes();
    let from = ENVELOPE_OCTETS + at;
    frame[from..from + octets.len()].copy_from_slice(octets);
    frame
}

#[test]
fn a_broken_message_in_a_whole_frame_is_named_and_the_connection_lives_on() {
    let alone = node();
    let mut talk = Talk::connect(alone.node.handle());
    let huge = [0x7F, 0xFF, 0xFF, 0xFF];
    let body = 24;
    let cases: [(&str, Vec<u8>); 8] = [
        ("a body longer than the message", broken(20, &huge)),
        ("a body of negative length", broken(20, &[0xFF; 4])),
        ("a handle longer than the body", broken(body, &huge)),
        ("an index list longer than the body", broken(body + 4 + NAME.len(), &huge)),
        ("a type list longer than the body", broken(body + 8 + NAME.len(), &huge)),
        ("a credential longer than the message", broken(body + 12 + NAME.len(), &huge)),
        ("a body shorter than its fields", broken(20, &[0, 0, 0, 3])),
        ("a compressed message", {
            let mut frame = question(NAME).to_bytes();
            frame[2] |= Envelope::COMPRESSED;
            frame
        }),
    ];
    for (what, frame) in cases {
        let id = u32::from_be_bytes(frame[8..12].try_into().unwrap());
        let answer = talk.send(&frame).message();
        assert_eq!((code(&answer), answer.envelope.request_id), (4, id), "{what}");
        assert!(!talk::text(&answer).is_empty(), "{what}");
        goes_on(&mut talk);
    }
    let mut unknown = request(OpCode(77), flag::DEFAULT_QUERY, Body::Opaque(b"?".to_vec()));
    let answer = talk.ask(&unknown);
    assert_eq!((code(&answer), answer.envelope.request_id), (5, unknown.envelope.request_id));
    plain_mut(&mut unknown).header.op = OpCode::RESERVED;
    let answer = talk.ask(&unknown);
    assert_eq!((code(&answer), talk::text(&answer).as_str()), (4, "Unknown opCode in message: 0"));
    for op in [OpCode(1000), OpCode(1001), OpCode(1002), OpCode(1003)] {
        assert_eq!(code(&talk.ask(&talk::with_name(op, "/"))), 5, "{op:?}");
    }
    goes_on(&mut talk);
}

#[test]
fn what_cannot_be_framed_ends_the_connection_with_a_word() {
    let alone = node();
    for length in [0, 23, 262_145, 1 << 30, u32::MAX] {
        let mut talk = Talk::connect(alone.node.handle());
        goes_on(&mut talk);
        let frame = with_length(question(NAME).to_bytes(), length);
        let id = u32::from_be_bytes(frame[8..12].try_into().unwrap());
        let answer = talk.send(&frame).message();
        assert_eq!((code(&answer), answer.envelope.request_id), (4, id), "length {length}");
        assert!(talk.receive().is_none(), "length {length}: the rest is no frame");
    }
    lives(&alone);
}

#[test]
fn garbage_never_hangs_or_breaks_the_node() {
    let alone = node();
    let noise = |seed: u32, length: usize| -> Vec<u8> {
        let mut state = seed.wrapping_mul(2_654_435_761).max(1);
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state as u8
        };
        (0..length).map(|_| next()).collect()
    };
    for seed in 0..60 {
        let mut talk = Talk::connect(alone.node.handle());
        talk.try_send(&noise(seed, 1 + seed as usize * 37));
        talk.end();
        while talk.receive().is_some() {}
    }
    // Real messages with some octets changed, whole frames all: every one is answered or dropped, none hangs.
    for seed in 0..200u32 {
        let mut frame = question(NAME).to_bytes();
        let spots = noise(seed, 6);
        for pair in spots.chunks(2) {
            let at = ENVELOPE_OCTETS + usize::from(pair[0]) % (frame.len() - ENVELOPE_OCTETS);
            frame[at] = pair[1];
        }
        let mut talk = Talk::connect(alone.node.handle());
        talk.send(&frame).end();
        while talk.receive().is_some() {}
    }
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for seed in 0..300 {
        socket.send_to(&noise(seed, seed as usize), alone.node.handle()).unwrap();
    }
    // HTTP, too, is spoken to by strangers.
    for octets in [
        &b"\x16\x03\x01\x00\x00"[..],
        b"GET / HTTP/9.9\r\n\r\n",
        b"\0\0\0\0",
        b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n12345",
    ] {
        let mut stream = std::net::TcpStream::connect(alone.node.http()).unwrap();
        std::io::Write::write_all(&mut stream, octets).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let _ = std::io::Read::read_to_end(&mut stream, &mut Vec::new());
    }
    let answer = talk::ask_udp(alone.node.handle(), &question(NAME), Duration::from_secs(5)).expect("an answer");
    assert_eq!(code(&answer), 1);
    lives(&alone);
    let metrics = Web::plain(alone.node.admin()).get("/metrics").text();
    assert!(metrics.contains("\nhufu_panics_total 0\n"), "{metrics}");
}

#[test]
fn half_a_frame_and_silence_hold_up_nobody() {
    let alone = node();
    let frame = question(NAME).to_bytes();
    let mut silent: Vec<Talk> = (1..frame.len())
        .step_by(7)
        .map(|cut| {
            let mut talk = Talk::connect(alone.node.handle());
            talk.send(&frame[..cut]);
            talk
        })
        .collect();
    let started = Instant::now();
    lives(&alone);
    assert!(started.elapsed() < Duration::from_secs(5));
    // The rest may come late, octet by octet.
    let mut slow = Talk::connect(alone.node.handle());
    frame.iter().for_each(|octet| {
        slow.send(&[*octet]);
    });
    assert_eq!(code(&slow.message()), 1);
    // Whoever gives up in the middle is let go at once.
    for talk in &mut silent {
        talk.end();
        while talk.receive().is_some() {}
    }
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

#[test]
fn an_answer_is_never_answered() {
    let alone = node();
    let mut talk = Talk::connect(alone.node.handle());
    let answer = talk.ask(&question(NAME));
    let octets = answer.to_bytes();
    let mut refusal = question("88.118.8/nobody");
    let mut error = talk.ask(&refusal);
    error.envelope.request_id = 77;
    plain_mut(&mut refusal).header.response = hufu_ident::systems::handle::wire::ResponseCode(2);
    for frame in [octets.clone(), error.to_bytes(), refusal.to_bytes()] {
        talk.send(&frame);
        goes_on(&mut talk);
    }
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(700))).unwrap();
    split_packets(&octets, 512, |packet| {
        socket.send_to(packet, alone.node.handle()).unwrap();
    });
    assert!(socket.recv(&mut [0; 512]).is_err(), "an answer by UDP was answered");
}

#[test]
fn ten_thousand_pipelined_requests_are_all_answered() {
    let alone = node();
    let questions: Vec<Message> =
        (0..10_000).map(|number| question(if number % 10 == 0 { "88.118.8/nobody" } else { NAME })).collect();
    let octets: Vec<u8> = questions.iter().flat_map(Message::to_bytes).collect();
    let started = Instant::now();
    let stream = std::net::TcpStream::connect(alone.node.handle()).unwrap();
    let mut writer = stream.try_clone().unwrap();
    let writing = spawn(move || std::io::Write::write_all(&mut writer, &octets).unwrap());
    let mut reader = std::io::BufReader::new(stream);
    let mut ids = HashSet::new();
    for _ in &questions {
        let mut frame = vec![0; ENVELOPE_OCTETS];
        std::io::Read::read_exact(&mut reader, &mut frame).unwrap();
        let length = u32::from_be_bytes(frame[16..20].try_into().unwrap());
        frame.resize(ENVELOPE_OCTETS + length as usize, 0);
        std::io::Read::read_exact(&mut reader, &mut frame[ENVELOPE_OCTETS..]).unwrap();
        assert!(ids.insert(frame[8..12].to_vec()), "two answers to one request");
    }
    writing.join().unwrap();
    let asked: HashSet<Vec<u8>> =
        questions.iter().map(|question| question.envelope.request_id.to_be_bytes().to_vec()).collect();
    assert!(ids == asked, "an answer to another request");
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
}

#[test]
fn slow_requests_do_not_hold_up_quick_ones_on_the_same_connection() {
    let alone = node();
    let mut talk = Talk::connect(alone.node.handle());
    // Set-ups of sessions cost two large exponentiations each; the listing waits for a proof that never comes.
    let slow: Vec<Message> = (0..20).map(|_| crate::sessions::set_up_request(None)).collect();
    let quick = question(NAME);
    let mut octets: Vec<u8> = slow.iter().flat_map(Message::to_bytes).collect();
    octets.extend(quick.to_bytes());
    talk.send(&octets);
    let order: Vec<u32> = (0..=slow.len()).map(|_| talk.message().envelope.request_id).collect();
    let at = order.iter().position(|id| *id == quick.envelope.request_id);
    assert!(at.is_some_and(|at| at < slow.len()), "the quick answer came last: {order:?}");
}

#[test]
fn long_messages_pass_by_every_transport() {
    let alone = node();
    let values = (1..=60).map(|index| url(index, &"x".repeat(2000))).collect();
    block_on(alone.node.admin_client().create("88.118.8/long", values, false)).unwrap();
    for (way, endpoint) in alone.node.ways() {
        let client = hufu_client::Client::new(endpoint);
        let found = block_on(client.resolve("88.118.8/long", &SelectionBuf::default(), Default::default()));
        assert_eq!(found.unwrap_or_else(|error| panic!("{way}: {error}")).values.len(), 60, "{way}");
    }
    // Packets in any order, and with no truncated flag: the length says when all are there.
    let mut question = question(NAME);
    let Body::Resolve { selection, .. } = &mut plain_mut(&mut question).body else { panic!("no question") };
    selection.types =
        (0..60).map(|number| format!("TYPE-{number:020}").into_bytes()).chain([b"URL".to_vec()]).collect();
    let mut packets = Vec::new();
    split_packets(&question.to_bytes(), 512, |packet| packets.push(packet.to_vec()));
    assert!(packets.len() > 2);
    packets.iter_mut().for_each(|packet| packet[2] &= !Envelope::TRUNCATED);
    packets.reverse();
    packets.push(packets[0].clone());
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    packets.iter().for_each(|packet| {
        socket.send_to(packet, alone.node.handle()).unwrap();
    });
    let mut answer = vec![0; 2048];
    let length = socket.recv(&mut answer).expect("an answer to a message in packets");
    assert_eq!(talk::values(&Message::decode(&answer[..length]).unwrap()).len(), 1);
}

#[test]
fn connections_and_rates_have_bounds() {
    let mut alone = Alone::lay_out(&["88.118.8"]);
    alone.node.config.limits.rate_exempt.clear();
    alone.node.config.limits.tcp_connections_per_client = 5;
    alone.node.config.limits.requests_per_second = 50;
    alone.node.start();
    let mut talks: Vec<Talk> = (0..5).map(|_| Talk::connect(alone.node.handle())).collect();
    assert_eq!(code(&talks[0].ask(&question("88.118.8/nobody"))), 100);
    let mut sixth = Talk::connect(alone.node.handle());
    sixth.try_send(&question("88.118.8/nobody").to_bytes());
    assert!(sixth.receive().is_none(), "a sixth connection is closed");
    talks.truncate(1);
    // A TCP client over its rate waits; an HTTP client is told to.
    let started = Instant::now();
    let questions: Vec<u8> = (0..200).flat_map(|_| question("88.118.8/nobody").to_bytes()).collect();
    talks[0].send(&questions);
    for _ in 0..200 {
        talks[0].message();
    }
    assert!(started.elapsed() > Duration::from_secs(1), "200 requests at 50 a second: {:?}", started.elapsed());
    let web = Web::plain(alone.node.http());
    eventually("429", Duration::from_secs(10), || {
        let answer = web.get("/api/site");
        answer.status == 429 && answer.header("retry-after").is_some()
    });
    let metrics = Web::plain(alone.node.admin()).get("/metrics").text();
    assert!(!metrics.contains("\nhufu_connections_refused_total 0\n"), "{metrics}");
}

#[test]
fn idle_connections_are_closed_and_busy_ones_kept() {
    let mut alone = Alone::lay_out(&["88.118.8"]);
    alone.node.config.limits.idle_timeout = hufu_node::config::Span::seconds(1);
    alone.node.start();
    let (mut idle, mut busy) = (Talk::connect(alone.node.handle()), Talk::connect(alone.node.handle()));
    assert_eq!(code(&idle.ask(&question("88.118.8/nobody"))), 100);
    for _ in 0..8 {
        std::thread::sleep(Duration::from_millis(250));
        assert_eq!(code(&busy.ask(&question("88.118.8/nobody"))), 100);
    }
    assert!(idle.receive().is_none());
}
