//! The modules of a symbol: dark or light, row by row, without quiet zone.

/// Modules row by row from the top; `true` is dark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matrix {
    width: usize,
    dark: Vec<bool>,
}

impl Matrix {
    /// Takes whole rows of `width` modules; what is left over behind the last whole row is dropped.
    pub fn new(width: usize, mut dark: Vec<bool>) -> Self {
        dark.truncate(dark.len() / width.max(1) * width);
        Matrix { width: width.max(1), dark }
    }

    /// Modules of a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.dark.len() / self.width
    }

    /// The rows from the top.
    pub fn rows(&self) -> impl Iterator<Item = &[bool]> {
        self.dark.chunks_exact(self.width)
    }

    /// The bars: row, first module, and how many modules are dark in a row.
    pub fn runs(&self) -> impl Iterator<Item = (usize, usize, usize)> {
        self.rows().enumerate().flat_map(|(row, modules)| {
            let mut at = 0;
            modules.chunk_by(|a, b| a == b).filter_map(move |run| {
                let start = at;
                at += run.len();
                run[0].then_some((row, start, run.len()))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_the_dark_modules() {
        let matrix = Matrix::new(4, [1, 1, 0, 1, 0, 0, 1, 1, 1].map(|bit| bit == 1).to_vec());
        assert_eq!((matrix.width(), matrix.height()), (4, 2));
        assert_eq!(matrix.runs().collect::<Vec<_>>(), [(0, 0, 2), (0, 3, 1), (1, 2, 2)]);
    }
}
