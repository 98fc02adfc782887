//! A folder of the course: is it one, and which grader is meant?
//!
//! The hard thing is that folders in the wild hold the graders of all labs up
//! to their own. `make grade` takes the lab from `conf/lab.mk`, and so does this.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::regular_file::refusal;

/// What a grader imports.
pub const LIBRARY: &str = "gradelib.py";
/// The labs whose graders look at programs.
const LABS: std::ops::RangeInclusive<u8> = 3..=5;

/// A folder that can be graded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Course {
    /// The folder, absolute.
    pub root: PathBuf,
    /// The grader's name in it.
    pub grader: OsString,
}

impl Course {
    /// Looks at the folder; `lab` is the one that was asked for, if any.
    pub fn inspect(folder: &Path, lab: Option<u8>) -> anyhow::Result<Self> {
        let refuse = |why: String| Err(refusal(folder, why));
        let root = std::fs::canonicalize(folder).map_err(|error| refusal(folder, error))?;
        if !root.is_dir() {
            return refuse("not a folder".to_owned());
        }
        // In the order in which make looks for them.
        let makefile = ["GNUmakefile", "makefile", "Makefile"];
        if !makefile.iter().any(|name| root.join(name).is_file()) {
            return refuse(format!("there is no GNUmakefile; {WANTED}"));
        }
        let there = labs_with_graders(&root);
        let lab = match (lab.or_else(|| lab_of_course(&root)), &there[..]) {
            (Some(lab), _) => lab,
            (None, [only]) => *only,
            (None, []) => return refuse(format!("there is no grader; {WANTED}")),
            (None, _) => {
                let names: Vec<String> = there.iter().map(u8::to_string).collect();
                return refuse(format!(
                    "there are graders for labs {}: say which, with --lab",
                    names.join(", ")
                ));
            }
        };
        if !LABS.contains(&lab) {
            return refuse(format!(
                "it is for lab {lab}; only the graders of labs 3, 4 and 5 look at programs alone, \
                 and --lab can name one of them"
            ));
        }
        let grader = format!("grade-lab{lab}");
        if !there.contains(&lab) {
            return refuse(format!("there is no {grader}; {WANTED}"));
        }
        if !root.join(LIBRARY).is_file() {
            return refuse(format!("there is no {LIBRARY}; {WANTED}"));
        }
        Ok(Self {
            root,
            grader: grader.into(),
        })
    }

    /// The files that Python reads, in the folder.
    pub fn python_files(&self) -> [OsString; 2] {
        [LIBRARY.into(), self.grader.clone()]
    }
}

const WANTED: &str = "what can be graded is a folder of the JOS course, \
    with GNUmakefile, gradelib.py and grade-lab3, 4 or 5";

/// The labs that the folder has a grader for, in order.
fn labs_with_graders(root: &Path) -> Vec<u8> {
    let has_grader = |lab: &u8| root.join(format!("grade-lab{lab}")).is_file();
    (1..=9).filter(has_grader).collect()
}

/// The lab that the folder is for, by its own word: `LAB=4`.
fn lab_of_course(root: &Path) -> Option<u8> {
    let text = std::fs::read_to_string(root.join("conf/lab.mk")).ok()?;
    lab_of_text(&text)
}

fn lab_of_text(text: &str) -> Option<u8> {
    let assignments = text.lines().filter_map(|line| line.split_once('='));
    let mut labs = assignments.rev().filter_map(|(name, value)| {
        let name = name.trim_end_matches([':', '?']).trim();
        (name == "LAB").then(|| value.trim().parse().ok())
    });
    // As in make, the last one counts.
    labs.next().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lab_is_an_assignment() {
        assert_eq!(lab_of_text("LAB=4\nPACKAGEDATE=x\n"), Some(4));
        assert_eq!(lab_of_text("# LAB=3\nLAB := 5 \n"), Some(5));
        assert_eq!(lab_of_text("LABX=4\n"), None);
        assert_eq!(lab_of_text("LAB=3\nLAB=4"), Some(4));
        assert_eq!(lab_of_text(""), None);
    }

    /// A folder in which only names matter.
    struct Folder(PathBuf);

    impl Folder {
        fn with(name: &str, files: &[(&str, &str)]) -> Self {
            let name = format!("jostle-course-{}-{name}", std::process::id());
            let root = std::env::temp_dir().join(name);
            std::fs::create_dir_all(root.join("conf")).expect("made");
            for (file, text) in files {
                std::fs::write(root.join(file), text).expect("written");
            }
            Self(root)
        }

        fn grader(&self, lab: Option<u8>) -> Result<String, String> {
            let course = Course::inspect(&self.0, lab).map_err(|error| error.to_string())?;
            Ok(course.grader.into_string().expect("text"))
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            std::fs::remove_dir_all(&self.0).expect("removed");
        }
    }

    #[test]
    fn the_grader_is_the_labs() {
        let all = ["grade-lab1", "grade-lab3", "grade-lab4", "grade-lab6"];
        let mut files: Vec<(&str, &str)> = all.map(|name| (name, "")).into();
        files.extend([("GNUmakefile", ""), (LIBRARY, "")]);
        let several = Folder::with("several", &files);
        assert_eq!(several.grader(Some(3)).as_deref(), Ok("grade-lab3"));
        let asked = several.grader(None).expect_err("several");
        assert!(
            asked.ends_with("1, 3, 4, 6: say which, with --lab"),
            "{asked}"
        );
        let missing = several.grader(Some(5)).expect_err("missing");
        assert!(missing.contains("there is no grade-lab5"), "{missing}");
        files.push(("conf/lab.mk", "LAB=4\n"));
        assert_eq!(
            Folder::with("lab4", &files).grader(None).as_deref(),
            Ok("grade-lab4")
        );
        files.push(("conf/lab.mk", "LAB=6\n"));
        let network = Folder::with("lab6", &files);
        assert!(network.grader(None).is_err_and(|why| why.contains("lab 6")));
    }

    #[test]
    fn another_folder_is_told_what_is_missing() {
        let told = |name: &str, files: &[(&str, &str)]| {
            let told = Folder::with(name, files).grader(None).expect_err("refused");
            assert!(!told.contains('\n'), "{told}");
            told
        };
        assert!(told("empty", &[]).contains("no GNUmakefile"));
        assert!(told("made", &[("Makefile", "")]).contains("no grader"));
        let files = [("Makefile", ""), ("grade-lab3", "")];
        assert!(told("alone", &files).contains("no gradelib.py"));
        let file = Course::inspect(Path::new("/dev/null"), None);
        assert!(file.is_err_and(|error| error.to_string().contains("not a folder")));
    }
}
