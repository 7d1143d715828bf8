//! The sleep of a worker that has nothing to do, and its waking.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;

use super::context::Context;
#[cfg(any(feature = "sqlx-postgres", feature = "sqlx-sqlite"))]
use crate::error::{seconds, with_sources};
use crate::protocol::Work;

/// The first pause after work. It doubles each time that nothing is found.
const FIRST_PAUSE: Duration = Duration::from_millis(5);

/// The first pause where a look needs no server.
#[cfg(feature = "sqlx-sqlite")]
const FIRST_PAUSE_EMBEDDED: Duration = Duration::from_millis(1);

/// The longest pause while a transaction is open whose marks might not wake the worker.
#[cfg(feature = "sqlx-postgres")]
const AMONG_WRITERS: Duration = Duration::from_millis(40);

/// The longest pause if nothing wakes the worker.
const BY_POLLING: Duration = Duration::from_millis(250);

/// The longest pause if nothing wakes the worker, and each look is a query over the network.
#[cfg(any(feature = "sqlx-postgres", feature = "sqlx-mysql"))]
const BY_POLLING_A_SERVER: Duration = Duration::from_secs(1);

/// The longest pause if something wakes the worker. It is a safety net.
#[cfg(any(feature = "sqlx-postgres", feature = "sqlx-sqlite"))]
const IF_WOKEN: Duration = Duration::from_secs(5);

pub(super) struct Sleep {
    pause: Duration,
    /// A receiver that wakes for changes of this process, and of watched files.
    woken: watch::Receiver<()>,
    alarm: Option<Alarm>,
    /// Whether the log says that the worker cannot listen. It tries often, but says so once.
    #[cfg(feature = "sqlx-postgres")]
    is_deaf: bool,
}

/// The alarm that wakes the worker for changes of other processes.
enum Alarm {
    /// There is no alarm: the worker looks after this pause at the latest.
    None(Duration),
    #[cfg(feature = "sqlx-postgres")]
    Listener(Box<crate::backend::postgres::Listener>),
    #[cfg(feature = "sqlx-sqlite")]
    Watcher { _until_dropped: crate::backend::sqlite::FileWatch },
}

impl Sleep {
    pub(super) fn new(context: &Context) -> Self {
        Self {
            pause: FIRST_PAUSE,
            woken: context.engine.wake.subscribe(),
            alarm: None,
            #[cfg(feature = "sqlx-postgres")]
            is_deaf: false,
        }
    }

    pub(super) fn was_busy(&mut self) {
        self.pause = match self.alarm {
            #[cfg(feature = "sqlx-sqlite")]
            Some(Alarm::Watcher { .. }) => FIRST_PAUSE_EMBEDDED,
            _ => FIRST_PAUSE,
        };
    }

    /// Sleeps until something happens, is due, or might have happened unnoticed. Returns whether
    /// something has happened. `work` is the result of the last look.
    pub(super) async fn sleep(&mut self, context: &Arc<Context>, work: Work) -> bool {
        if self.alarm.is_none() {
            self.alarm = self.set_alarm(context).await;
        }

        let (longest, work) = self.fall_asleep(context, work).await;
        let due = match work {
            // Another transaction holds the work locked.
            Work::Now => self.pause,
            Work::In(wait) => wait,
            Work::None => Duration::MAX,
        };

        self.pause = (self.pause * 2).min(match self.alarm {
            Some(Alarm::None(longest)) => longest,
            _ => BY_POLLING,
        });

        let woken = self.wait(longest.min(due)).await;
        if woken {
            self.was_busy();
        }
        woken
    }

    /// Makes marks wake the worker. Returns how long it may sleep, and the work that is then known.
    #[cfg_attr(
        not(feature = "sqlx-postgres"),
        allow(unused_variables, reason = "only PostgreSQL has to be told")
    )]
    async fn fall_asleep(&mut self, context: &Context, work: Work) -> (Duration, Work) {
        match &mut self.alarm {
            _ if work == Work::Now => (self.pause, work),
            Some(Alarm::None(_)) | None => (self.pause, work),
            #[cfg(feature = "sqlx-postgres")]
            Some(Alarm::Listener(listener)) => match listener.fall_asleep(context.owners()).await {
                Ok(is_asleep) => {
                    if std::mem::take(&mut self.is_deaf) {
                        tracing::info!("the worker listens for changes again");
                    }
                    if is_asleep {
                        // Rows that were marked or set to expire before the lock was taken have
                        // woken no worker: look again.
                        (IF_WOKEN, context.look().await.unwrap_or(work))
                    } else {
                        (self.pause.min(AMONG_WRITERS), work)
                    }
                }
                Err(error) => {
                    self.cannot_listen(&error);
                    self.alarm = None;
                    (self.pause, work)
                }
            },
            // A file is written a moment before the change can be seen. So the worker goes on
            // looking for a while before it sleeps.
            #[cfg(feature = "sqlx-sqlite")]
            Some(Alarm::Watcher { .. }) if self.pause < BY_POLLING => (self.pause, work),
            #[cfg(feature = "sqlx-sqlite")]
            Some(Alarm::Watcher { .. }) => (IF_WOKEN, work),
        }
    }

    /// Tells the database that the worker is awake, so that nothing need wake it.
    pub(super) async fn wake_up(&mut self) {
        #[cfg(feature = "sqlx-postgres")]
        if let Some(Alarm::Listener(listener)) = &mut self.alarm
            && let Err(error) = listener.wake_up().await
        {
            tracing::warn!(
                error = with_sources(&error),
                "the worker has lost the connection on which it listens; it opens another"
            );
            self.alarm = None;
        }
    }

    /// Waits, and returns whether something happened before the time was over.
    async fn wait(&mut self, pause: Duration) -> bool {
        let woken = self.woken.changed();
        let alarm = async {
            match &mut self.alarm {
                #[cfg(feature = "sqlx-postgres")]
                Some(Alarm::Listener(listener)) => listener.woken().await,
                _ => std::future::pending().await,
            }
        };

        let woken = tokio::time::timeout(pause, async {
            tokio::select! {
                _ = woken => {}
                () = alarm => {}
            }
        });
        woken.await.is_ok()
    }

    /// Sets the alarm. Returns `None` if that has to be tried again.
    async fn set_alarm(&mut self, context: &Arc<Context>) -> Option<Alarm> {
        match context.engine.backend.wake_up() {
            #[cfg(feature = "sqlx-postgres")]
            crate::backend::WakeUp::Listen => {
                let listen_on = context.listen_on.as_ref();
                match crate::backend::postgres::Listener::connect(&context.db, listen_on).await {
                    Ok(Some(listener)) => Some(Alarm::Listener(Box::new(listener))),
                    Ok(None) => {
                        tracing::warn!(
                            interval_seconds = seconds(BY_POLLING_A_SERVER),
                            "a pooler gives the transactions of a connection to several sessions, \
                             so the worker cannot listen for changes, and looks for them at \
                             intervals: name the server itself with `Worker::listen_on`"
                        );
                        Some(Alarm::None(BY_POLLING_A_SERVER))
                    }
                    Err(error) => {
                        self.cannot_listen(&error);
                        None
                    }
                }
            }
            #[cfg(feature = "sqlx-sqlite")]
            crate::backend::WakeUp::WatchFile => {
                let engine = Arc::clone(&context.engine);
                let wake = move || {
                    engine.wake.send_replace(());
                };
                match crate::backend::sqlite::FileWatch::start(&context.db, wake).await {
                    Ok(Some(watch)) => Some(Alarm::Watcher { _until_dropped: watch }),
                    Ok(None) => Some(Alarm::None(BY_POLLING)),
                    Err(error) => {
                        tracing::warn!(
                            error = with_sources(&*error),
                            interval_seconds = seconds(BY_POLLING),
                            "the worker cannot watch the files of the database; it looks for the \
                             changes of other processes at intervals"
                        );
                        Some(Alarm::None(BY_POLLING))
                    }
                }
            }
            #[cfg(feature = "sqlx-mysql")]
            crate::backend::WakeUp::Poll => Some(Alarm::None(BY_POLLING_A_SERVER)),
        }
    }

    #[cfg(feature = "sqlx-postgres")]
    fn cannot_listen(&mut self, error: &dyn std::error::Error) {
        let error = with_sources(error);
        if std::mem::replace(&mut self.is_deaf, true) {
            tracing::debug!(error, "the worker still cannot listen for changes");
        } else {
            tracing::warn!(
                error,
                interval_seconds = seconds(BY_POLLING),
                "the worker cannot listen for changes; it looks for them at intervals until it can"
            );
        }
    }
}
