//! Works off the jobs of a node, one after the other: imports, exports, runs of serials.

use crate::clock;
use crate::node::Parts;
use crate::telemetry;
use hufu_net::Shutdown;
use hufu_registry::Time;
use hufu_registry::objects::Objects;
use std::sync::Arc;
use std::time::Duration;

/// How long it waits after a fault before it tries again.
const PAUSE: Duration = Duration::from_secs(5);
/// How often it looks although nobody has rung.
const LOOK: Duration = Duration::from_secs(30);

/// The task.
pub struct Worker {
    objects: Objects,
    shutdown: Shutdown,
}

fn now() -> Time {
    clock::millis() as Time
}

impl Worker {
    /// `None` for a node without objects.
    pub fn new(parts: &Arc<Parts>) -> Option<Self> {
        Some(Worker { objects: parts.objects.clone()?, shutdown: parts.net.shutdown.clone() })
    }

    pub async fn run(self) -> std::io::Result<()> {
        loop {
            tokio::select! {
                () = self.shutdown.triggered() => return Ok(()),
                rest = self.step() => {
                    tokio::select! {
                        () = self.shutdown.triggered() => return Ok(()),
                        () = self.objects.job_rung() => {}
                        () = tokio::time::sleep(rest) => {}
                    }
                }
            }
        }
    }

    /// Works until there is nothing to do; says how long to rest. Left in the middle, a job goes on at the next start.
    async fn step(&self) -> Duration {
        loop {
            match self.objects.work(now).await {
                Ok(true) => {}
                Ok(false) => return LOOK,
                Err(error) => {
                    telemetry::incident("jobs", &error);
                    return PAUSE;
                }
            }
        }
    }
}
