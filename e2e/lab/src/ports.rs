//! Ports for programs that cannot be asked which free port they took.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::{Context, Result, bail};

/// Below the range that kernels hand out for outgoing connections, so that none of those can take a reserved port.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// A port that no other lab takes while this value lives.
#[derive(Debug)]
pub(crate) struct Port {
    number: u16,
    /// An advisory lock: other labs of this user skip the port, and a killed owner frees it.
    _lock: File,
}

impl Port {
    /// Reserves a port of the loopback address; `locks` is a directory that all labs of this user share.
    pub(crate) fn reserve(locks: &Path) -> Result<Self> {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        fs_err::create_dir_all(locks)?;
        let start =
            u16::try_from(std::process::id() % u32::from(COUNT)).context("failed to choose a port")?;
        for _ in 0..COUNT {
            let step = NEXT.fetch_add(1, Ordering::Relaxed);
            let number = FIRST + (start.wrapping_mul(31).wrapping_add(step)) % COUNT;
            let lock = fs_err::File::create(locks.join(number.to_string()))?.into_parts().0;
            if lock.try_lock().is_err() || TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_err() {
                continue;
            }
            return Ok(Self { number, _lock: lock });
        }
        bail!("failed to find a free port")
    }

    pub(crate) fn number(&self) -> u16 {
        self.number
    }
}
