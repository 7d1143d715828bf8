//! How a worker sleeps when there is nothing to do, and what wakes it.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;

use super::core::Core;
use crate::{dialect::WakeUp, invalidation::Work};

/// The first pause after work; it is doubled each time nothing is found.
const FIRST_PAUSE: Duration = Duration::from_millis(5);

/// The longest pause while a transaction is open whose marks might not wake us.
const AMONG_WRITERS: Duration = Duration::from_millis(40);

/// The longest pause if nothing wakes the worker.
const BY_POLLING: Duration = Duration::from_millis(250);

/// The longest pause if something does. A safety net.
const IF_WOKEN: Duration = Duration::from_secs(5);

pub(super) struct Sleep {
    pause: Duration,
    /// Wakes for changes of this process, and of watched files.
    woken: watch::Receiver<()>,
    alarm: Option<Alarm>,
}

/// What wakes the worker for changes of others.
enum Alarm {
    None,
    #[cfg(feature = "sqlx-postgres")]
    Listener(Box<super::listen::Listener>),
    #[cfg(feature = "sqlx-sqlite")]
    Watcher {
        _until_dropped: super::watch::FileWatch,
    },
}

impl Sleep {
    pub(super) fn new(core: &Core) -> Self {
        Self { pause: FIRST_PAUSE, woken: core.engine.wake.subscribe(), alarm: None }
    }

    pub(super) fn was_busy(&mut self) {
        self.pause = FIRST_PAUSE;
    }

    /// Sleeps until something happens, or is due, or might have happened unnoticed. `work` was looked for before.
    pub(super) async fn sleep(&mut self, core: &Arc<Core>, work: Work) {
        let due = match work {
            Work::Now => FIRST_PAUSE,
            Work::In(wait) => wait,
            Work::None => Duration::MAX,
        };
        if self.alarm.is_none() {
            self.alarm = set_alarm(core).await;
        }
        let Some(longest) = self.fall_asleep(core).await else { return };
        let pause = if longest == IF_WOKEN { longest } else { self.pause.min(longest) };
        self.pause = (self.pause * 2).min(BY_POLLING);
        if self.wait(pause.min(due)).await {
            self.pause = FIRST_PAUSE;
        }
    }

    /// Sees to it that marks wake us, and returns how long we may sleep; `None` if there is work by now.
    async fn fall_asleep(&mut self, core: &Core) -> Option<Duration> {
        match &mut self.alarm {
            Some(Alarm::None) | None => Some(BY_POLLING),
            #[cfg(feature = "sqlx-postgres")]
            Some(Alarm::Listener(listener)) => match listener.fall_asleep(core).await {
                Ok(true) => {
                    // Marks that were made before the lock was ours woke nobody: look again.
                    let quiet = !matches!(core.look().await, Ok(Work::Now));
                    quiet.then_some(IF_WOKEN)
                }
                Ok(false) => Some(AMONG_WRITERS),
                Err(error) => {
                    tracing::warn!(target: "sea_orm_cached_field", "cannot listen, polling instead: {error}");
                    self.alarm = None;
                    Some(BY_POLLING)
                }
            },
            #[cfg(feature = "sqlx-sqlite")]
            Some(Alarm::Watcher { .. }) => Some(IF_WOKEN),
        }
    }

    /// Whether something happened before the time was over.
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
}

/// `None` if it has to be tried again.
async fn set_alarm(core: &Arc<Core>) -> Option<Alarm> {
    match core.engine.dialect.wake_up() {
        #[cfg(feature = "sqlx-postgres")]
        WakeUp::Listen(channel) => match super::listen::Listener::connect(core, channel).await {
            Ok(listener) => Some(Alarm::Listener(Box::new(listener))),
            Err(error) => {
                tracing::warn!(target: "sea_orm_cached_field", "cannot listen, polling instead: {error}");
                None
            }
        },
        #[cfg(feature = "sqlx-sqlite")]
        WakeUp::WatchFile => match super::watch::FileWatch::start(core).await {
            Ok(Some(watch)) => Some(Alarm::Watcher { _until_dropped: watch }),
            Ok(None) => Some(Alarm::None),
            Err(error) => {
                tracing::warn!(target: "sea_orm_cached_field", "cannot watch the database's files, polling instead: {error}");
                Some(Alarm::None)
            }
        },
        #[allow(unreachable_patterns, reason = "which of them are there depends on the features")]
        _ => Some(Alarm::None),
    }
}
