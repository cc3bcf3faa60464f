//! What a warm process remembers.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use gix::{
    hash::{ObjectId, oid},
    objs::Kind,
};

/// Most bytes of objects that are kept for one repository.
const BUDGET: usize = 16 * 1024 * 1024;
/// Largest page that is kept. Commits and trees may take up to a quarter of all.
const LARGEST_BLOB: usize = 128 * 1024;

/// Objects of one repository, oldest out first unless it was used since. They are
/// immutable, so nothing here is ever wrong; it only gets useless.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    objects: HashMap<ObjectId, Entry>,
    order: VecDeque<ObjectId>,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    kind: Kind,
    data: Arc<Vec<u8>>,
    /// Whether it was asked for since it came, or since it was last spared.
    used: bool,
}

impl Cache {
    pub(crate) fn get(&mut self, id: &oid) -> Option<(Kind, Arc<Vec<u8>>)> {
        let entry = self.objects.get_mut(id)?;
        entry.used = true;
        Some((entry.kind, Arc::clone(&entry.data)))
    }

    pub(crate) fn insert(&mut self, id: ObjectId, kind: Kind, data: Arc<Vec<u8>>) {
        let size = data.len();
        let largest = if kind == Kind::Blob { LARGEST_BLOB } else { BUDGET / 4 };
        if size > largest || self.objects.contains_key(&id) {
            return;
        }
        self.objects.insert(id, Entry { kind, data, used: false });
        self.order.push_back(id);
        self.bytes += size;
        while self.bytes > BUDGET {
            self.evict();
        }
    }

    /// Lets the oldest one go, or spares it once if it was used.
    fn evict(&mut self) {
        let Some(oldest) = self.order.pop_front() else { return };
        let Some(entry) = self.objects.get_mut(&oldest) else { return };
        if entry.used {
            entry.used = false;
            self.order.push_back(oldest);
        } else {
            self.bytes -= entry.data.len();
            self.objects.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_holds_and_what_is_used_stays() {
        let mut cache = Cache::default();
        let id = |n: u8| ObjectId::from_bytes_or_panic(&[n; 20]);
        for n in 0..9 {
            cache.insert(id(n), Kind::Tree, Arc::new(vec![n; BUDGET / 4]));
            assert!(cache.get(&id(0)).is_some());
        }
        assert!(cache.bytes <= BUDGET);
        assert!(cache.get(&id(1)).is_none());
        assert!(cache.get(&id(8)).is_some());
        cache.insert(id(9), Kind::Tree, Arc::new(vec![0; BUDGET]));
        assert!(cache.get(&id(9)).is_none());
        cache.insert(id(10), Kind::Blob, Arc::new(vec![0; LARGEST_BLOB + 1]));
        assert!(cache.get(&id(10)).is_none());
    }
}
