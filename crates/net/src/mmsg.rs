//! Many datagrams in one system call: `recvmmsg` and `sendmmsg` on Linux.
//!
//! The kernel is most of the cost of a UDP answer, and this pair takes a third off it. Neither std, tokio
//! nor socket2 offers the calls, so this module is the one place of the crate with `unsafe`: it hands the
//! kernel pointers into buffers that it owns or borrows, valid for the length of the call.
#![allow(unsafe_code)]

use std::io;
use std::mem;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

use libc::{c_uint, iovec, mmsghdr, sockaddr_in, sockaddr_in6, sockaddr_storage};
use socket2::SockAddr;

/// Datagrams per system call.
pub(crate) const BATCH: usize = 64;
/// Octets of the longest datagram taken in. Handle packets have 512; a peer on a local network may send
/// a whole message in one larger packet.
const SLOT: usize = 2048;
/// Octets that the outbox keeps allocated between batches.
const KEEP: usize = 256 << 10;

struct Slot {
    octets: [u8; SLOT],
    /// Octets received, which are more than `SLOT` if the datagram did not fit.
    length: usize,
    from: sockaddr_storage,
}

/// Buffers for one batch of datagrams, reused for the next.
pub(crate) struct Inbox {
    slots: Vec<Slot>,
}

impl Inbox {
    pub fn new() -> Inbox {
        // SAFETY: sockaddr_storage is plain integers, for which all zeroes is a value (AF_UNSPEC).
        let from: sockaddr_storage = unsafe { mem::zeroed() };
        Inbox { slots: (0..BATCH).map(|_| Slot { octets: [0; SLOT], length: 0, from }).collect() }
    }

    /// Receives what is there, at most [`BATCH`] datagrams, without waiting; `WouldBlock` if there are none.
    pub fn receive(&mut self, socket: BorrowedFd<'_>) -> io::Result<usize> {
        // SAFETY: iovec and mmsghdr are integers and pointers, for which all zeroes is a value.
        let mut vectors: [iovec; BATCH] = unsafe { mem::zeroed() };
        // SAFETY: as above.
        let mut headers: [mmsghdr; BATCH] = unsafe { mem::zeroed() };
        for ((slot, vector), header) in self.slots.iter_mut().zip(&mut vectors).zip(&mut headers) {
            *vector = iovec { iov_base: slot.octets.as_mut_ptr().cast(), iov_len: SLOT };
            header.msg_hdr.msg_name = ptr::from_mut(&mut slot.from).cast();
            header.msg_hdr.msg_namelen = mem::size_of::<sockaddr_storage>() as libc::socklen_t;
            header.msg_hdr.msg_iov = vector;
            header.msg_hdr.msg_iovlen = 1;
        }
        // SAFETY: there are BATCH headers; each points to one iovec and one sockaddr_storage of the stated
        // sizes. `vectors`, `headers` and `self.slots` outlive the call, and nothing else touches them.
        let received = unsafe {
            // MSG_TRUNC makes msg_len the datagram's own length, so that a longer one is noticed. The
            // flags' type differs between C libraries.
            let flags = (libc::MSG_DONTWAIT | libc::MSG_TRUNC) as _;
            libc::recvmmsg(socket.as_raw_fd(), headers.as_mut_ptr(), BATCH as c_uint, flags, ptr::null_mut())
        };
        let received = usize::try_from(received).map_err(|_| io::Error::last_os_error())?;
        for (slot, header) in self.slots.iter_mut().zip(&headers[..received]) {
            slot.length = header.msg_len as usize;
        }
        Ok(received)
    }

    /// The datagram in a slot of the last batch; `None` if it was too long for us or has no IP sender.
    pub fn datagram(&self, slot: usize) -> Option<(&[u8], SocketAddr)> {
        let slot = self.slots.get(slot)?;
        Some((slot.octets.get(..slot.length)?, sender(&slot.from)?))
    }
}

/// Reads the address that the kernel wrote.
fn sender(storage: &sockaddr_storage) -> Option<SocketAddr> {
    match i32::from(storage.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says that the kernel wrote a sockaddr_in; sockaddr_storage is larger and
            // aligned for every address type.
            let v4 = unsafe { &*ptr::from_ref(storage).cast::<sockaddr_in>() };
            let ip = Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr));
            Some(SocketAddrV4::new(ip, u16::from_be(v4.sin_port)).into())
        }
        libc::AF_INET6 => {
            // SAFETY: as above, with sockaddr_in6.
            let v6 = unsafe { &*ptr::from_ref(storage).cast::<sockaddr_in6>() };
            let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr);
            let port = u16::from_be(v6.sin6_port);
            Some(SocketAddrV6::new(ip, port, v6.sin6_flowinfo, v6.sin6_scope_id).into())
        }
        _ => None,
    }
}

struct Parcel {
    start: usize,
    end: usize,
    to: SockAddr,
}

/// Datagrams waiting to be sent, in one buffer that is reused.
#[derive(Default)]
pub(crate) struct Outbox {
    octets: Vec<u8>,
    parcels: Vec<Parcel>,
    /// How many parcels are done with.
    sent: usize,
}

impl Outbox {
    /// Adds one datagram, given in two parts.
    pub fn push(&mut self, to: SocketAddr, head: &[u8], tail: &[u8]) {
        let start = self.octets.len();
        self.octets.extend_from_slice(head);
        self.octets.extend_from_slice(tail);
        self.parcels.push(Parcel { start, end: self.octets.len(), to: to.into() });
    }

    /// Datagrams and octets not yet sent.
    pub fn waiting(&self) -> (usize, usize) {
        let parcels = &self.parcels[self.sent..];
        (parcels.len(), parcels.first().map_or(0, |first| self.octets.len() - first.start))
    }

    /// Gives up what is not yet sent.
    pub fn discard(&mut self) {
        self.sent = self.parcels.len();
    }

    /// Whether everything is sent; the buffers are then free for new datagrams.
    pub fn is_done(&mut self) -> bool {
        let done = self.sent >= self.parcels.len();
        if done {
            self.octets.clear();
            self.octets.shrink_to(KEEP);
            self.parcels.clear();
            self.sent = 0;
        }
        done
    }

    /// Sends the next datagrams, at most [`BATCH`], without waiting: `WouldBlock` if the socket is full.
    /// A datagram that the kernel refuses (no route, say) is left out.
    pub fn send(&mut self, socket: BorrowedFd<'_>) -> io::Result<()> {
        let parcels = &self.parcels[self.sent..];
        // SAFETY: iovec and mmsghdr are integers and pointers, for which all zeroes is a value.
        let mut vectors: [iovec; BATCH] = unsafe { mem::zeroed() };
        // SAFETY: as above.
        let mut headers: [mmsghdr; BATCH] = unsafe { mem::zeroed() };
        for ((parcel, vector), header) in parcels.iter().zip(&mut vectors).zip(&mut headers) {
            let octets = &self.octets[parcel.start..parcel.end];
            *vector = iovec { iov_base: octets.as_ptr().cast_mut().cast(), iov_len: octets.len() };
            header.msg_hdr.msg_name = parcel.to.as_ptr().cast_mut().cast();
            header.msg_hdr.msg_namelen = parcel.to.len();
            header.msg_hdr.msg_iov = vector;
            header.msg_hdr.msg_iovlen = 1;
        }
        let count = parcels.len().min(BATCH);
        // SAFETY: the first `count` headers point to one iovec and one socket address each, of the stated
        // sizes, in `self`, which is borrowed for the call. The kernel only reads them, so casting away
        // `const` is sound; it writes msg_len into `headers`, which is ours.
        let sent = unsafe {
            let flags = (libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL) as _;
            libc::sendmmsg(socket.as_raw_fd(), headers.as_mut_ptr(), count as c_uint, flags)
        };
        let Ok(sent) = usize::try_from(sent) else {
            let error = io::Error::last_os_error();
            if matches!(error.kind(), io::ErrorKind::WouldBlock) {
                return Err(error);
            }
            // The error is of the first datagram; the others may still go.
            tracing::debug!(%error, "datagram not sent");
            self.sent += 1;
            return Ok(());
        };
        self.sent += sent;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;
    use std::os::fd::AsFd;

    use super::*;

    fn echo_through(loopback: &str) {
        let socket = UdpSocket::bind(loopback).unwrap();
        let to = socket.local_addr().unwrap();
        let mut outbox = Outbox::default();
        for number in 0..100u8 {
            outbox.push(to, &[number], &vec![number; usize::from(number)]);
        }
        while !outbox.is_done() {
            outbox.send(socket.as_fd()).unwrap();
        }
        let mut inbox = Inbox::new();
        let mut seen = 0;
        while let Ok(count) = inbox.receive(socket.as_fd()) {
            for slot in 0..count {
                let (octets, from) = inbox.datagram(slot).unwrap();
                assert_eq!((octets.len(), from), (seen + 1, to));
                seen += 1;
            }
        }
        assert_eq!(seen, 100);
    }

    #[test]
    fn carries_batches_over_v4_and_v6() {
        echo_through("127.0.0.1:0");
        echo_through("[::1]:0");
    }

    #[test]
    fn notices_datagrams_that_are_too_long() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let to = socket.local_addr().unwrap();
        socket.send_to(&[1; SLOT + 1], to).unwrap();
        socket.send_to(&[2; SLOT], to).unwrap();
        let mut inbox = Inbox::new();
        assert_eq!(inbox.receive(socket.as_fd()).unwrap(), 2);
        assert!(inbox.datagram(0).is_none());
        assert_eq!(inbox.datagram(1).unwrap().0, [2; SLOT]);
    }

    #[test]
    fn leaves_out_what_cannot_go() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let to = socket.local_addr().unwrap();
        let mut outbox = Outbox::default();
        outbox.push(SocketAddr::from(([127, 0, 0, 1], 0)), b"port 0", b"");
        outbox.push(to, b"good", b"");
        while !outbox.is_done() {
            outbox.send(socket.as_fd()).unwrap();
        }
        let mut inbox = Inbox::new();
        assert_eq!(inbox.receive(socket.as_fd()).unwrap(), 1);
    }
}
