//! Names that are almost right: suggestions for one that nothing has.

/// Longer names are nobody's slip, and comparing them would take long.
const LONGEST: usize = 64;
/// How many names are listed where none is near.
const LISTED: usize = 12;
/// How many near names are offered.
const OFFERED: usize = 3;

/// Words to follow the complaint about a name that is not known: the known names that are near, or all if none is.
pub fn suggestion(name: &str, known: &[&str]) -> String {
    let near = near(name, known);
    match (&*near, known) {
        (_, []) => "; there are none".to_owned(),
        ([], _) => {
            let more = if known.len() > LISTED { ", …" } else { "" };
            let listed = known.get(..LISTED).unwrap_or(known);
            format!("; known are {}{more}", quoted(listed, ", "))
        }
        (near, _) => format!("; did you mean {}?", quoted(near, " or ")),
    }
}

/// The known names that are near, the nearest first.
fn near<'a>(name: &str, known: &[&'a str]) -> Vec<&'a str> {
    if name.len() > LONGEST {
        return Vec::new();
    }
    let mut near: Vec<_> = known.iter().map(|known| (distance(name, known), *known)).collect();
    near.retain(|(distance, known)| *distance <= name.len().max(known.len()).div_ceil(4));
    // Sorting would be more code than all else in here.
    let so_near = |wanted| near.iter().filter(move |(distance, _)| *distance == wanted).map(|(_, known)| *known);
    (0..=LONGEST).flat_map(so_near).take(OFFERED).collect()
}

fn quoted(names: &[&str], between: &str) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(between)
}

/// How many letters have to be added, removed, replaced or exchanged with their neighbours. Case, and what stands between
/// words, count for nothing.
fn distance(one: &str, other: &str) -> usize {
    let letters = |name: &str| -> Vec<u8> {
        name.bytes().filter(|letter| !b"-_. ".contains(letter)).map(|letter| letter.to_ascii_lowercase()).collect()
    };
    let (one, other) = (letters(one), letters(other));
    let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX / 2);
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (row, letter) in one.iter().enumerate() {
        let mut next = vec![row + 1];
        for (column, candidate) in other.iter().enumerate() {
            let replaced = at(&last, column) + usize::from(letter != candidate);
            let mut cost = replaced.min(at(&last, column + 1) + 1).min(at(&next, column) + 1);
            let exchanged =
                row > 0 && column > 0 && one.get(row - 1) == Some(candidate) && other.get(column - 1) == Some(letter);
            if exchanged {
                cost = cost.min(at(&before, column - 1) + 1);
            }
            next.push(cost);
        }
        before = std::mem::replace(&mut last, next);
    }
    at(&last, other.len())
}

#[cfg(test)]
mod tests {
    use super::suggestion;

    #[test]
    fn near_names_are_offered() {
        let known = ["driver", "node-name", "locking", "filename", "x-check-cache-dropped"];
        for (name, offered) in [("lockign", "`locking`"), ("nodename", "`node-name`"), ("Driver", "`driver`")] {
            assert_eq!(suggestion(name, &known), format!("; did you mean {offered}?"));
        }
        assert_eq!(suggestion("aab", &["aaa", "aab-c", "aba"]), "; did you mean `aaa` or `aab-c` or `aba`?");
    }

    #[test]
    fn all_names_are_listed_where_none_is_near() {
        assert_eq!(suggestion("zz", &["driver", "file"]), "; known are `driver`, `file`");
        assert_eq!(suggestion("zz", &[]), "; there are none");
        assert_eq!(suggestion("", &["driver"]), "; known are `driver`");
        let many: Vec<String> = (100..200).map(|number| format!("member-{number}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let listed = suggestion(&"member-1".repeat(1000), &many);
        assert!(listed.ends_with("`member-111`, …"), "{listed}");
    }
}
