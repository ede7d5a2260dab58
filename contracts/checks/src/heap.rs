//! The memory of a module: given out upwards, taken back only from the top.
//!
//! ```text
//!  0 … stack, statics │ block │ block │ block │ free │      next: first free byte; end: of the pages there are
//!               first address           next    end
//! ```
//! An instance judges one input and is dropped with its memory, so nothing is gained by keeping lists of
//! holes: the general allocator of the library is 8 kB of code in every module. A block that is the last
//! grows and shrinks in place, which is what vectors mostly do. When the module's maximum is reached an
//! allocation fails and the module traps: no verdict.

#[cfg(any(target_arch = "wasm32", test))]
#[derive(Debug)]
struct Heap {
    next: usize,
    end: usize,
}

#[cfg(any(target_arch = "wasm32", test))]
impl Heap {
    const PAGE: usize = 1 << 16;

    /// The address of a block; `None` if `grow` gives no more pages. `align` is a power of two.
    fn place(
        &mut self,
        size: usize,
        align: usize,
        grow: impl FnOnce(usize) -> bool,
    ) -> Option<usize> {
        let mask = align.checked_sub(1)?;
        let start = self.next.checked_add(mask)? & !mask;
        self.extend(start.checked_add(size)?, grow)?;
        Some(start)
    }

    /// Moves the first free byte to `next`, if there is memory up to it.
    fn extend(&mut self, next: usize, grow: impl FnOnce(usize) -> bool) -> Option<()> {
        if next > self.end {
            let pages = next.checked_sub(self.end)?.div_ceil(Self::PAGE);
            let end = pages.checked_mul(Self::PAGE)?.checked_add(self.end)?;
            if !grow(pages) {
                return None;
            }
            self.end = end;
        }
        self.next = next;
        Some(())
    }

    /// Whether a block is the last one given out.
    fn is_last(&self, start: usize, size: usize) -> bool {
        start.checked_add(size) == Some(self.next)
    }
}

#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code, reason = "an allocator hands out addresses; a module has one thread")]
mod global {
    use super::Heap;
    use core::alloc::{GlobalAlloc, Layout};
    use core::arch::wasm32::{memory_grow, memory_size};
    use core::cell::UnsafeCell;
    use core::ptr::{copy_nonoverlapping, null_mut, without_provenance_mut};

    unsafe extern "C" {
        /// Where the linker ends the statics.
        static __heap_base: u8;
    }

    struct Global(UnsafeCell<Heap>);

    // SAFETY: a module has one thread, and nothing in this file calls back into the allocator
    unsafe impl Sync for Global {}

    #[global_allocator]
    static HEAP: Global = Global(UnsafeCell::new(Heap { next: 0, end: 0 }));

    fn grow(pages: usize) -> bool {
        memory_grow::<0>(pages) != usize::MAX
    }

    impl Global {
        /// The heap, which begins where the statics end: their last page is written to anyway.
        #[expect(clippy::mut_from_ref, reason = "one thread, and no borrow outlives a call")]
        fn heap(&self) -> &mut Heap {
            // SAFETY: one thread; the borrow ends before the allocator is entered again
            let heap = unsafe { &mut *self.0.get() };
            if heap.end == 0 {
                heap.end = memory_size::<0>().saturating_mul(Heap::PAGE);
                heap.next = (&raw const __heap_base).addr();
            }
            heap
        }
    }

    // SAFETY: blocks lie in linear memory, do not overlap, and are aligned; see `Heap::place`
    unsafe impl GlobalAlloc for Global {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            match self.heap().place(layout.size(), layout.align(), grow) {
                Some(address) => without_provenance_mut(address),
                None => null_mut(),
            }
        }

        unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
            let heap = self.heap();
            if heap.is_last(block.addr(), layout.size()) {
                heap.next = block.addr();
            }
        }

        unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
            let heap = self.heap();
            let end = block.addr().checked_add(size);
            if let Some(end) = end.filter(|_| heap.is_last(block.addr(), layout.size())) {
                return heap.extend(end, grow).map_or(null_mut(), |()| block);
            }
            let Some(address) = heap.place(size, layout.align(), grow) else {
                return null_mut();
            };
            let moved = without_provenance_mut(address);
            // SAFETY: both blocks are that long, and a new one overlaps none that is in use
            unsafe { copy_nonoverlapping(block, moved, layout.size().min(size)) };
            moved
        }
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;

    fn heap() -> Heap {
        Heap { next: Heap::PAGE, end: Heap::PAGE }
    }

    #[test]
    fn blocks_are_aligned_and_do_not_overlap() {
        let mut heap = heap();
        let mut end = heap.next;
        for (size, align) in [(1, 1), (8, 8), (3, 1), (16, 16), (0, 4), (70_000, 8), (5, 2)] {
            let start = heap.place(size, align, |_| true).unwrap();
            assert_eq!(start % align, 0);
            assert!(start >= end && start + size <= heap.end);
            end = start + size;
        }
    }

    #[test]
    fn pages_come_as_they_are_needed_and_not_beyond_the_maximum() {
        let mut heap = heap();
        assert_eq!(heap.place(Heap::PAGE, 1, |pages| pages == 1), Some(Heap::PAGE));
        assert_eq!(heap.place(1, 1, |pages| pages == 1), Some(2 * Heap::PAGE));
        assert_eq!(heap.place(1, 1, |_| panic!("there is room")), Some(2 * Heap::PAGE + 1));
        let (next, end) = (heap.next, heap.end);
        assert_eq!(heap.place(10 * Heap::PAGE, 1, |_| false), None);
        assert_eq!(heap.place(usize::MAX, 8, |_| panic!("too much to ask")), None);
        assert_eq!((heap.next, heap.end), (next, end));
    }

    #[test]
    fn only_the_last_block_is_at_the_top() {
        let mut heap = heap();
        let first = heap.place(10, 1, |_| true).unwrap();
        assert!(heap.is_last(first, 10));
        let second = heap.place(10, 1, |_| true).unwrap();
        assert!(!heap.is_last(first, 10) && heap.is_last(second, 10));
        assert!(!heap.is_last(usize::MAX, 10));
    }
}
