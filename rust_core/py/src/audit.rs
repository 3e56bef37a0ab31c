//! Auditing a workspace's tables.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use utterson_codec::audit::Auditing;
use utterson_codec::copy::Misread;
use utterson_engine::keyed::state_hash::StateHash;

use crate::arguments::exactly;
use crate::errors::StateDivergedError;
use crate::panics::caught;

/// Holds the tables, read in one snapshot and fed as Postgres binary COPY chunks, against the hash of their head.
#[pyclass(frozen, module = "utterson._core")]
pub struct TableAudit {
    // Empty once it is finished or broken.
    auditing: Mutex<Option<Box<Auditing>>>,
    // Beside the lock: who asks must not wait for whoever feeds.
    rows: AtomicU64,
}

#[pymethods]
impl TableAudit {
    #[new]
    fn new(digest_key: &[u8], state_hash: &[u8]) -> PyResult<Self> {
        let expected = StateHash::from_bytes(&exactly(state_hash, "state_hash")?);
        let auditing = Auditing::new(&exactly(digest_key, "digest_key")?, expected);
        Ok(Self { auditing: Mutex::new(Some(Box::new(auditing))), rows: AtomicU64::new(0) })
    }

    #[getter]
    fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    fn profiles(&self, py: Python<'_>, chunk: &[u8]) -> PyResult<()> {
        self.feed(py, |auditing| auditing.profiles(chunk))
    }

    fn identifiers(&self, py: Python<'_>, chunk: &[u8]) -> PyResult<()> {
        self.feed(py, |auditing| auditing.identifiers(chunk))
    }

    fn traits(&self, py: Python<'_>, chunk: &[u8]) -> PyResult<()> {
        self.feed(py, |auditing| auditing.traits(chunk))
    }

    fn events(&self, py: Python<'_>, chunk: &[u8]) -> PyResult<()> {
        self.feed(py, |auditing| auditing.events(chunk))
    }

    fn finish(&self, py: Python<'_>) -> PyResult<Vec<(&'static str, u64)>> {
        let told = py.detach(|| {
            let auditing = self.auditing.lock().unwrap_or_else(PoisonError::into_inner).take();
            caught(|| auditing.ok_or(Misread).and_then(|auditing| auditing.finish()))
        });
        match told {
            Ok(Ok(told)) => Ok(told.into_iter().map(|(disagreement, count)| (disagreement.name(), count)).collect()),
            Ok(Err(Misread)) => Err(StateDivergedError::new_err("the rows are not what the tables promise")),
            Err(broken) => Err(StateDivergedError::new_err(broken.0)),
        }
    }
}

impl TableAudit {
    /// After an error nothing can be fed or finished any more.
    fn feed(&self, py: Python<'_>, work: impl FnOnce(&mut Auditing) -> Result<(), Misread> + Send) -> PyResult<()> {
        let fed = py.detach(|| {
            let mut place = self.auditing.lock().unwrap_or_else(PoisonError::into_inner);
            let mut auditing = place.take()?;
            let fed = caught(|| work(&mut auditing));
            if matches!(fed, Ok(Ok(()))) {
                self.rows.store(auditing.rows(), Ordering::Relaxed);
                *place = Some(auditing);
            }
            Some(fed)
        });
        match fed {
            Some(Ok(Ok(()))) => Ok(()),
            Some(Ok(Err(Misread))) => Err(StateDivergedError::new_err("the rows are not what the tables promise")),
            Some(Err(broken)) => Err(StateDivergedError::new_err(broken.0)),
            None => Err(StateDivergedError::new_err("the audit is finished or broken")),
        }
    }
}
