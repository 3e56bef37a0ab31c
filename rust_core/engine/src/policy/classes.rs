//! Counts the classes beyond ASCII in an expression, before any is looked up: `\pL` is two bytes, and six hundred ranges.

use std::convert::Infallible;

use regex_syntax::ast::parse::ParserBuilder;
use regex_syntax::ast::{self, Ast, ClassSetItem};

/// How many there are; `None` where the expression is none.
pub(super) fn count(pattern: &str, nesting_max: u32) -> Option<usize> {
    let tree = ParserBuilder::new().nest_limit(nesting_max).build().parse(pattern).ok()?;
    match ast::visit(&tree, Counter(0)) {
        Ok(classes) => Some(classes),
        Err(never) => match never {},
    }
}

struct Counter(usize);

impl ast::Visitor for Counter {
    type Output = usize;
    type Err = Infallible;

    fn finish(self) -> Result<usize, Infallible> {
        Ok(self.0)
    }

    fn visit_pre(&mut self, tree: &Ast) -> Result<(), Infallible> {
        match tree {
            Ast::ClassUnicode(_) | Ast::ClassPerl(_) => self.0 += 1,
            // All but what is named: that is nearly all of Unicode.
            Ast::ClassBracketed(class) if class.negated => self.0 += 1,
            Ast::Empty(_)
            | Ast::Flags(_)
            | Ast::Literal(_)
            | Ast::Dot(_)
            | Ast::Assertion(_)
            | Ast::ClassBracketed(_)
            | Ast::Repetition(_)
            | Ast::Group(_)
            | Ast::Alternation(_)
            | Ast::Concat(_) => {}
        }
        Ok(())
    }

    fn visit_class_set_item_pre(&mut self, item: &ClassSetItem) -> Result<(), Infallible> {
        match item {
            ClassSetItem::Unicode(_) | ClassSetItem::Perl(_) => self.0 += 1,
            ClassSetItem::Range(range) if !range.end.c.is_ascii() => self.0 += 1,
            ClassSetItem::Bracketed(class) if class.negated => self.0 += 1,
            ClassSetItem::Empty(_)
            | ClassSetItem::Literal(_)
            | ClassSetItem::Range(_)
            | ClassSetItem::Ascii(_)
            | ClassSetItem::Bracketed(_)
            | ClassSetItem::Union(_) => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn only_what_reaches_beyond_ascii_counts() {
        for (pattern, classes) in [
            ("abc", 0),
            ("[a-z0-9]+.?", 0),
            (r"\w\d", 2),
            (r"(?i)[\pL\pN\pS]{10}", 3),
            ("[^a]", 1),
            ("[a-é]", 1),
            (r"[[^b]&&\w]", 2),
        ] {
            assert_eq!(count(pattern, 50), Some(classes), "{pattern}");
        }
        assert_eq!(count("(", 50), None);
        assert_eq!(count(&format!("{}{}", "(".repeat(60), ")".repeat(60)), 50), None);
    }
}
