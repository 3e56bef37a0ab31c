//! An allocator that counts.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, with a count of what the thread asked of it.
pub struct Counting;

/// What a thread asked of the allocator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// How often it asked for memory, growing included.
    pub allocations: u64,
    /// For how many bytes.
    pub bytes: u64,
}

thread_local! {
    static ASKED: Cell<Asked> = const { Cell::new(Asked { allocations: 0, bytes: 0 }) };
}

fn note(size: usize) {
    let asked = ASKED.get();
    ASKED.set(Asked { allocations: asked.allocations + 1, bytes: asked.bytes + size as u64 });
}

/// What this thread asked for while it worked.
pub fn counted<T>(work: impl FnOnce() -> T) -> (T, Asked) {
    let before = ASKED.get();
    let made = work();
    let after = ASKED.get();
    let asked = Asked { allocations: after.allocations - before.allocations, bytes: after.bytes - before.bytes };
    (made, asked)
}

// SAFETY: every call is passed on as it came; the count allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: as the caller promised.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size);
        // SAFETY: as the caller promised.
        unsafe { System.realloc(place, layout, size) }
    }
}
