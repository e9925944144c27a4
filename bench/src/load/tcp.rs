//! The Handle protocol on TCP: many questions on one connection, or one connection for each.

use super::window::Window;
use super::{GLANCE, OVERDUE, Order, Stage, Tally, Target};
use hufu_net::frames;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Instant;

/// Octets read at once.
const READ: usize = 64 << 10;

/// One connection: takes what has come, asks as many anew in one write.
pub fn pipelined(target: Target, order: Order, window: u16, stage: &Stage) -> Result<Tally, String> {
    let mut window = Window::new(window, order, target);
    converse(target, &mut window, stage).map_err(|error| error.to_string())?;
    Ok(window.tally)
}

fn converse(target: Target, window: &mut Window, stage: &Stage) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(target.listening.tcp)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(GLANCE))?;
    let mut free: Vec<usize> = window.slots().collect();
    let (mut output, mut input, mut held) = (Vec::new(), vec![0; READ], 0);
    let mut heard = Instant::now();
    while !stage.is_over() {
        let now = Instant::now();
        output.clear();
        for slot in free.drain(..) {
            output.extend_from_slice(window.ask(slot, now).unwrap_or_default());
        }
        stream.write_all(&output)?;
        match stream.read(&mut input[held..]) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(octets) => held += octets,
            Err(error) if is_pause(&error) && heard.elapsed() < OVERDUE => continue,
            // Nothing gets lost on a stream: silence is a fault.
            Err(error) => return Err(error),
        }
        heard = Instant::now();
        let mut used = 0;
        for frame in frames(&input[..held]) {
            let taken = window.take(frame, heard, stage.is_counting());
            free.extend(taken.map_err(std::io::Error::other)?);
            used += frame.len();
        }
        input.copy_within(used..held, 0);
        held -= used;
    }
    Ok(())
}

/// Whether nothing came within the read's time limit.
fn is_pause(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// A new connection for each question, one after another.
pub fn connecting(target: Target, order: Order, stage: &Stage) -> Result<Tally, String> {
    let mut window = Window::new(1, order, target);
    let mut input = Vec::new();
    while !stage.is_over() {
        input.clear();
        let started = Instant::now();
        let asked = ask_once(target, window.ask(0, started).unwrap_or_default(), &mut input);
        asked.map_err(|error| format!("a connection for one question: {error}"))?;
        let frame = frames(&input).next().ok_or("the connection ended before the answer")?;
        window.take(frame, Instant::now(), stage.is_counting())?;
    }
    Ok(window.tally)
}

fn ask_once(target: Target, question: &[u8], input: &mut Vec<u8>) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(target.listening.tcp)?;
    stream.set_read_timeout(Some(OVERDUE))?;
    stream.write_all(question)?;
    let mut part = [0; 4096];
    while frames(input).next().is_none() {
        match stream.read(&mut part)? {
            0 => return Ok(()),
            octets => input.extend_from_slice(&part[..octets]),
        }
    }
    Ok(())
}
