//! One UDP socket of the DNS server: up to 64 messages in, their answers out together.

use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::{Duration, Instant};

use tokio::io::Interest;
use tokio::net::UdpSocket;

use super::{DnsAnswer, DnsService, HEADER, call};
use crate::context::Context;
use crate::counters;
use crate::mmsg::{Inbox, Outbox};
use crate::service::{ConnectionId, Peer, Transport};
use crate::shutdown::InFlight;

/// Pause after a failure of the socket itself.
const PAUSE: Duration = Duration::from_millis(10);

pub(super) async fn serve(socket: Arc<UdpSocket>, service: Arc<dyn DnsService>, context: Arc<Context>) {
    let (mut inbox, mut outbox) = (Inbox::new(), Outbox::default());
    let in_flight = InFlight::new();
    let stop = context.shutdown.triggered();
    tokio::pin!(stop);
    loop {
        let received = tokio::select! {
            biased;
            () = &mut stop => break,
            received = socket.async_io(Interest::READABLE, || inbox.receive(socket.as_fd())) => received,
        };
        let count = match received {
            Ok(count) => count,
            Err(error) => {
                tracing::warn!(%error, "cannot receive DNS messages");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let now = Instant::now();
        for slot in 0..count {
            let Some((message, from)) = inbox.datagram(slot).filter(|(message, _)| message.len() >= HEADER) else {
                counters::add(&context.counters.malformed, 1);
                continue;
            };
            counters::add(&context.counters.octets_in, message.len());
            if context.rate.admit(from.ip(), now).is_err() {
                counters::add(&context.counters.requests_over_rate, 1);
                continue;
            }
            let peer = Peer { address: from, transport: Transport::Udp, connection: ConnectionId::NONE };
            let Some(mut answer) = call(&service, message, peer, &context) else { continue };
            match context.guarded(|| answer.as_mut().poll(&mut TaskContext::from_waker(Waker::noop()))) {
                Some(Poll::Ready(Some(answer))) => post(&mut outbox, &answer, from, &context),
                Some(Poll::Pending) => later(answer, from, &socket, &context, &in_flight),
                Some(Poll::Ready(None)) | None => {}
            }
        }
        counters::add(&context.counters.packets_in, count);
        send(&socket, &mut outbox, &context).await;
    }
    if !in_flight.finished(context.shutdown.drain()).await {
        tracing::warn!("slow DNS questions cut off at the end of the drain time");
    }
}

/// Puts an answer into the outbox, unless the client is over its rate of octets.
fn post(outbox: &mut Outbox, answer: &[u8], to: SocketAddr, context: &Context) {
    if context.rate.admit_answer(to.ip(), answer.len(), Instant::now()) {
        outbox.push(to, answer, &[]);
    } else {
        counters::add(&context.counters.answers_over_rate, 1);
    }
}

/// Lets an answer that takes time become ready in a task of its own, unless there are too many.
fn later(answer: DnsAnswer, to: SocketAddr, socket: &Arc<UdpSocket>, context: &Arc<Context>, in_flight: &InFlight) {
    let Ok(permit) = Arc::clone(&context.tasks).try_acquire_owned() else {
        return counters::add(&context.counters.overload_drops, 1);
    };
    let held = (permit, in_flight.guard());
    let (socket, context) = (Arc::clone(socket), Arc::clone(context));
    tokio::spawn(async move {
        if let Some(answer) = answer.await {
            let mut outbox = Outbox::default();
            post(&mut outbox, &answer, to, &context);
            send(&socket, &mut outbox, &context).await;
        }
        drop(held);
    });
}

/// Sends everything in the outbox; waits while the socket is full.
async fn send(socket: &UdpSocket, outbox: &mut Outbox, context: &Context) {
    let (packets, octets) = outbox.waiting();
    while !outbox.is_done() {
        if let Err(error) = socket.async_io(Interest::WRITABLE, || outbox.send(socket.as_fd())).await {
            tracing::warn!(%error, "cannot send DNS messages");
            outbox.discard();
        }
    }
    counters::add(&context.counters.packets_out, packets);
    counters::add(&context.counters.octets_out, octets);
}
