//! HTTP/1.1 on one connection that stays: as much of a client as the answers need.

use super::{OVERDUE, Order, Stage, Tally, Target};
use crate::sample;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Instant;

/// Octets of the longest answer taken, head and body.
const LONGEST: usize = 64 << 10;

/// Asks one question after another.
pub fn run(target: Target, mut order: Order, stage: &Stage) -> Result<Tally, String> {
    let mut tally = Tally::default();
    let fault = |error: std::io::Error| format!("HTTP: {error}");
    let mut stream = TcpStream::connect(target.listening.http).map_err(fault)?;
    stream.set_nodelay(true).map_err(fault)?;
    stream.set_read_timeout(Some(OVERDUE)).map_err(fault)?;
    let mut answer = vec![0; LONGEST];
    while !stage.is_over() {
        let name = sample::name(order.next().unwrap_or_default());
        let request = format!("GET /api/handles/{name} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let started = Instant::now();
        stream.write_all(request.as_bytes()).map_err(fault)?;
        let length = read(&mut stream, &mut answer).map_err(fault)?;
        if stage.is_counting() {
            tally.latency.add(started.elapsed());
        }
        check(&answer[..length], &name, target.named)?;
    }
    Ok(tally)
}

/// Reads one answer; gives its octets.
fn read(stream: &mut TcpStream, answer: &mut [u8]) -> std::io::Result<usize> {
    let mut held = 0;
    loop {
        match stream.read(&mut answer[held..])? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            octets => held += octets,
        }
        match length(&answer[..held]).map_err(std::io::Error::other)? {
            Some(length) if length == held => return Ok(length),
            Some(length) if length < held => return Err(std::io::Error::other("more than one answer")),
            _ => {}
        }
    }
}

/// Octets of the whole answer, once its head is there.
fn length(octets: &[u8]) -> Result<Option<usize>, String> {
    let Some(head) = octets.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let text = String::from_utf8_lossy(&octets[..head]);
    let field = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let body = field.ok_or("the answer does not say its length")?;
    Ok(Some(head + 4 + body))
}

fn check(answer: &[u8], name: &str, named: bool) -> Result<(), String> {
    let text = String::from_utf8_lossy(answer);
    let found = text.starts_with("HTTP/1.1 200 ") && text.contains("\"responseCode\":1,");
    if !found || (named && !text.contains(name)) {
        return Err(format!("{name} was answered with {}", text.lines().next().unwrap_or_default()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_is_that_of_head_and_body() {
        assert_eq!(length(b"HTTP/1.1 200 OK\r\nContent-Le"), Ok(None));
        assert_eq!(length(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nab"), Ok(Some(41)));
        assert!(length(b"HTTP/1.1 200 OK\r\n\r\nab").is_err());
    }

    #[test]
    fn another_name_is_wrong() {
        let answer = b"HTTP/1.1 200 OK\r\n\r\n{\"responseCode\":1,\"handle\":\"1/a\"}";
        assert!(check(answer, "1/a", true).is_ok());
        assert!(check(answer, "1/b", true).is_err());
        assert!(check(answer, "1/b", false).is_ok());
    }
}
