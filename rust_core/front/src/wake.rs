//! Wakes the loop: one file descriptor that its selector watches.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Tells the other side that something waits for it.
pub trait Wake {
    /// Wakes the other side, now or as soon as it waits.
    fn wake(&self);

    /// Takes the wake-up back: from now on a new one is a new one.
    fn rest(&self);
}

/// A descriptor that is readable while the loop is wanted.
#[derive(Debug)]
pub struct LoopWake {
    /// What the loop watches.
    watched: OwnedFd,
    /// What is written to; the same on Linux.
    written: OwnedFd,
}

impl LoopWake {
    /// Makes the descriptor.
    #[cfg(target_os = "linux")]
    pub fn new() -> io::Result<Self> {
        use rustix::event::{EventfdFlags, eventfd};

        let watched = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let written = watched.try_clone()?;
        Ok(Self { watched, written })
    }

    /// Makes the descriptors.
    #[cfg(not(target_os = "linux"))]
    pub fn new() -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        let (watched, written) = (OwnedFd::from(reader), OwnedFd::from(writer));
        rustix::io::ioctl_fionbio(&watched, true)?;
        rustix::io::ioctl_fionbio(&written, true)?;
        Ok(Self { watched, written })
    }

    /// The descriptor to watch.
    pub fn watched(&self) -> BorrowedFd<'_> {
        self.watched.as_fd()
    }
}

impl Wake for LoopWake {
    fn wake(&self) {
        // It fails only where it is readable already.
        let _ = rustix::io::write(&self.written, &1_u64.to_ne_bytes());
    }

    fn rest(&self) {
        let mut count = [0; 8];
        let _ = rustix::io::read(&self.watched, &mut count);
    }
}
