//! One UDP socket with a window: takes what has come, asks as many anew.

use super::window::Window;
use super::{GLANCE, Order, Stage, Tally, Target};
use crate::sample::ANSWER_OCTETS;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Instant;
use tokio::net::UdpSocket;

struct Client {
    socket: UdpSocket,
    window: Window,
}

/// Asks until the stage is over or all is asked and answered.
pub fn run(target: Target, order: Order, window: u16, stage: &Stage) -> Result<Tally, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.and_then(|runtime| runtime.block_on(converse(target, order, window, stage))).map_err(|e| e.to_string())
}

async fn converse(target: Target, order: Order, window: u16, stage: &Stage) -> std::io::Result<Tally> {
    let socket = UdpSocket::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
    socket.connect(target.listening.udp).await?;
    let mut client = Client { socket, window: Window::new(window, order, target) };
    let mut free: Vec<usize> = client.window.slots().collect();
    let mut looked = Instant::now();
    loop {
        client.ask(&free).await?;
        if stage.is_over() || client.window.is_empty() {
            return Ok(client.window.tally);
        }
        // Running out of time is no fault: answers may be lost.
        let _ = tokio::time::timeout(GLANCE, client.socket.readable()).await;
        client.take(&mut free, stage)?;
        let now = Instant::now();
        if now - looked > GLANCE {
            looked = now;
            free.extend(client.window.give_up(now, stage.is_counting()));
        }
    }
}

impl Client {
    async fn ask(&mut self, free: &[usize]) -> std::io::Result<()> {
        let now = Instant::now();
        for slot in free {
            let Some(frame) = self.window.ask(*slot, now) else { break };
            self.socket.send(frame).await?;
        }
        Ok(())
    }

    /// Takes the answers that are there.
    fn take(&mut self, free: &mut Vec<usize>, stage: &Stage) -> std::io::Result<()> {
        free.clear();
        let counting = stage.is_counting();
        let mut packet = [0; 2 * ANSWER_OCTETS];
        loop {
            let length = match self.socket.try_recv(&mut packet) {
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            let taken = self.window.take(&packet[..length], Instant::now(), counting);
            free.extend(taken.map_err(std::io::Error::other)?);
        }
    }
}
