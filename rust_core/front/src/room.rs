//! How many calls that are passed through may be under way: of all connections together, and fairly among them.
//!
//! A connection may have as many as are left for others, and one whatever the others have.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::inbox::ConnectionId;
use crate::numbered::NumberedMap;
use crate::pace::Pace;

/// The calls under way. Belongs to the front's thread alone.
#[derive(Debug)]
pub struct Room {
    calls_max: usize,
    of_connection: RefCell<NumberedMap<ConnectionId, usize>>,
    all: RefCell<Pace>,
}

/// A call has no room.
#[derive(Debug, PartialEq, Eq)]
pub struct NoRoom {
    /// How long those take that are under way, as far as can be told.
    pub drained_in: Option<Duration>,
}

/// The place of one call; free again when it is dropped.
#[derive(Debug)]
pub struct Place {
    room: Rc<Room>,
    connection: ConnectionId,
}

impl Room {
    /// Room for so many calls, and nobody there.
    pub fn new(calls_max: usize) -> Rc<Self> {
        let all = RefCell::new(Pace::new(Instant::now()));
        Rc::new(Self { calls_max, of_connection: RefCell::default(), all })
    }

    /// Takes a place for a call.
    ///
    /// # Errors
    /// [`NoRoom`]: the connection has one, and as many as are left for others.
    pub fn begin(self: &Rc<Self>, connection: ConnectionId) -> Result<Place, NoRoom> {
        let mut of_connection = self.of_connection.borrow_mut();
        let mut all = self.all.borrow_mut();
        let own = of_connection.entry(connection).or_insert(0);
        if *own > 0 && *own >= self.calls_max.saturating_sub(all.calls) {
            return Err(NoRoom { drained_in: all.drained_in(Instant::now()) });
        }
        *own += 1;
        all.begin(1, Instant::now);
        Ok(Place { room: Rc::clone(self), connection })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.room.all.borrow_mut().answered(1, Instant::now());
        let mut of_connection = self.room.of_connection.borrow_mut();
        let Some(own) = of_connection.get_mut(&self.connection) else { return };
        *own -= 1;
        if *own == 0 {
            of_connection.remove(&self.connection);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_has_much_leaves_as_much_and_everybody_has_one() {
        let room = Room::new(8);
        let mut first: Vec<Place> = (0..4).map(|_| room.begin(ConnectionId(1)).expect("room")).collect();
        assert!(room.begin(ConnectionId(1)).is_err());
        let second: Vec<Place> = (0..2).map(|_| room.begin(ConnectionId(2)).expect("room")).collect();
        assert!(room.begin(ConnectionId(2)).is_err());
        let others: Vec<Place> = (3..20).map(|number| room.begin(ConnectionId(number)).expect("one each")).collect();
        assert!(room.begin(ConnectionId(3)).is_err());
        drop((second, others));
        assert!(room.begin(ConnectionId(1)).is_err());
        first.truncate(1);
        assert!(room.begin(ConnectionId(1)).is_ok());
        drop(first);
        assert!(room.of_connection.borrow().is_empty() && room.all.borrow().calls == 0);
    }

    #[test]
    fn who_finds_no_room_is_told_how_long_the_others_take() {
        let room = Room::new(2);
        let _stays = room.begin(ConnectionId(1)).expect("room");
        for _ in 0..2 {
            let goes = room.begin(ConnectionId(2)).expect("room");
            std::thread::sleep(Duration::from_millis(110));
            drop(goes);
        }
        let told = room.begin(ConnectionId(1)).expect_err("no room").drained_in.expect("a time");
        assert!((Duration::from_millis(50)..Duration::from_secs(5)).contains(&told), "{told:?}");
    }
}
