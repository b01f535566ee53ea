//! `{a,b}` to alternatives.

/// All alternatives of a pattern, or `None` if there are more than `limit`. Braces nest; one that is not closed is literal.
pub(super) fn expand(pattern: &str, limit: usize) -> Option<Vec<String>> {
    let mut done = Vec::new();
    let mut open = vec![pattern.to_owned()];
    while let Some(text) = open.pop() {
        match first_group(&text) {
            None => done.push(text),
            Some((start, commas, end)) => {
                let ends = commas.iter().copied().chain([end]);
                let mut from = start + 1;
                let mut choices = Vec::new();
                for to in ends {
                    choices.push(format!(
                        "{}{}{}",
                        &text[..start],
                        &text[from..to],
                        &text[end + 1..]
                    ));
                    from = to + 1;
                }
                open.extend(choices.into_iter().rev());
            }
        }
        if done.len() + open.len() > limit {
            return None;
        }
    }
    Some(done)
}

/// Places of the first closed group's opening brace, of its own commas and of its closing brace.
fn first_group(text: &str) -> Option<(usize, Vec<usize>, usize)> {
    let mut depth = 0_usize;
    let mut start = 0;
    let mut commas = Vec::new();
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'{' => {
                if depth == 0 {
                    start = at;
                }
                depth += 1;
            }
            b',' if depth == 1 => commas.push(at),
            b'}' if depth == 1 => return Some((start, commas, at)),
            b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}
