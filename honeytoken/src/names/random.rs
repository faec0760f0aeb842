//! Chance, from the system's own generator: who has seen some names must not be able to tell the next one.

/// A number below `bound`, each as likely as the others. `bound` is not zero.
pub(super) fn below(bound: u64) -> Result<u64, getrandom::Error> {
    // What lies above the last multiple of the bound would make the small numbers likelier.
    let fair = u64::MAX - u64::MAX % bound;
    loop {
        let number = getrandom::u64()?;
        if number < fair {
            return Ok(number % bound);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_comes_and_none_is_preferred() {
        let mut counts = [0_u32; 5];
        for _ in 0..10_000 {
            counts[usize::try_from(below(5).unwrap()).unwrap()] += 1;
        }
        // 2,000 each, give or take ten standard deviations.
        assert!(counts.iter().all(|count| (1600..2400).contains(count)), "{counts:?}");
        assert_eq!(below(1).unwrap(), 0);
    }
}
