//! A gate stops one calculation of a lamppost after it has read everything, so that a test can do
//! something in between.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex},
};

use tokio::sync::Semaphore;

static GATES: LazyLock<Mutex<HashMap<String, Arc<Gate>>>> = LazyLock::new(Mutex::default);

/// A gate for the next calculation of a lamppost of one first name; later ones find it gone.
pub struct Gate {
    arrived: Semaphore,
    open: Semaphore,
}

impl Gate {
    /// Puts a gate before the next calculation of a lamppost of this name, which has to be the
    /// test's own.
    pub fn at(first_name: &str) -> Arc<Self> {
        let gate = Arc::new(Self { arrived: Semaphore::new(0), open: Semaphore::new(0) });
        GATES.lock().unwrap().insert(first_name.to_owned(), Arc::clone(&gate));
        gate
    }

    /// Waits until a calculation stands at the gate.
    pub async fn arrival(&self) {
        self.arrived.acquire().await.unwrap().forget();
    }

    /// Lets the calculation pass.
    pub fn open(&self) {
        self.open.add_permits(1);
    }
}

/// Passes the gate of this name, if there is one.
pub async fn pass(first_name: &str) {
    let gate = GATES.lock().unwrap().remove(first_name);
    if let Some(gate) = gate {
        gate.arrived.add_permits(1);
        gate.open.acquire().await.unwrap().forget();
    }
}
