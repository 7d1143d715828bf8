//! The wire between workers and a server, which can be cut.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::Result;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::Notify,
};

/// A proxy that listens on a port of its own, and passes everything on.
pub(crate) struct Proxy {
    port: u16,
    is_cut: Arc<AtomicBool>,
    cut: Arc<Notify>,
}

impl Proxy {
    pub(crate) async fn to(port: u16) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let proxy = Self {
            port: listener.local_addr()?.port(),
            is_cut: Arc::default(),
            cut: Arc::default(),
        };

        let server = SocketAddr::from(([127, 0, 0, 1], port));
        let is_cut = Arc::clone(&proxy.is_cut);
        let cut = Arc::clone(&proxy.cut);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                if !is_cut.load(Ordering::Relaxed) {
                    tokio::spawn(pass_on(near, server, Arc::clone(&cut), Arc::clone(&is_cut)));
                }
            }
        });

        Ok(proxy)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Passes nothing on, and takes no more connections, until it is mended. By then the
    /// connections that existed have ended.
    pub(crate) fn cut(&self) {
        self.is_cut.store(true, Ordering::Relaxed);
        self.cut.notify_waiters();
    }

    pub(crate) fn mend(&self) {
        self.is_cut.store(false, Ordering::Relaxed);
    }
}

async fn pass_on(
    mut near: TcpStream,
    server: SocketAddr,
    cut: Arc<Notify>,
    is_cut: Arc<AtomicBool>,
) {
    let cut = cut.notified();
    let Ok(mut far) = TcpStream::connect(server).await else { return };
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    tokio::select! {
        _ = copy_bidirectional(&mut near, &mut far) => {}
        () = cut => {
            // Neither end learns of it yet.
            while is_cut.load(Ordering::Relaxed) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }
}
