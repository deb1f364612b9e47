//! What this crate costs beside its peers, in one run: `qapi` 0.15, `qmp` 0.1, a socket that is read without looking, serde_json.
//! `benches/table` runs all of it and prints one table.
//!
//!     peers round-trips ROUNDS CALLS [SOCKET]   microseconds of a call, of QEMU's at SOCKET or of a server that answers at once
//!     peers replies ROUNDS                      megabytes of replies that are decoded in a second
//!     peers monitor CLIENT COUNT                resident bytes for each of so many idle monitors
//!     peers flood THREADS COUNT                 of so many events: those that arrive, those that do not; kilobytes in memory
//!     peers count NAME TIMES                    does something so many times, for callgrind
//!
//! What runs in turn is measured in rounds, of which the first does not count; the figure is the median.

mod clients;
mod count;
mod flood;
#[path = "../../instructions/src/messages.rs"]
mod messages;
mod monitors;
mod replies;
mod round_trips;
mod server;
#[path = "../../instructions/src/session.rs"]
mod session;

const USAGE: &str = "round-trips ROUNDS CALLS [SOCKET] | replies ROUNDS | monitor CLIENT COUNT | flood THREADS COUNT | count NAME TIMES";

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let number = |text: &str| text.parse::<u32>().expect("a number");
    match arguments[..] {
        ["round-trips", rounds, calls] => {
            round_trips::compare(&server::Server::start().path(), number(rounds), number(calls));
        }
        ["round-trips", rounds, calls, socket] => {
            round_trips::compare(socket.as_ref(), number(rounds), number(calls));
        }
        ["replies", rounds] => replies::compare(number(rounds)),
        ["monitor", client, count] => monitors::measure(client, number(count)),
        ["flood", threads, count] => flood::measure(number(threads), number(count)),
        ["count", name, times] => count::run(name, number(times)),
        // A process of its own, so that what it does is not counted.
        [way @ ("serve" | "greet"), socket] => server::run(way, socket.as_ref()),
        _ => panic!("{USAGE}"),
    }
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
