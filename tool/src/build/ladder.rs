//! Where the guest's `core` library comes from: a decision, and nothing else.
//!
//! First that works: already there; fetched by rustup; built from the
//! toolchain's own sources; built with the compiler that Debian packages for
//! its browsers. The first two are quick, the others add half a minute to the
//! first build. Facts in, routes out: nothing here touches the machine.

use std::fmt;

/// One way to get `core` for the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// A: the active toolchain has it.
    Installed,
    /// B: `rustup target add`; may fail, for instance without a network.
    RustupTarget,
    /// C: build it from the active toolchain's sources.
    FromSource,
    /// D: build it with Debian's compiler from Debian's sources.
    DebianFromSource,
}

impl Route {
    /// Whether the inner cargo has to build `core` itself.
    pub fn builds_core(self) -> bool {
        matches!(self, Self::FromSource | Self::DebianFromSource)
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Installed => "A: the toolchain's own core for the guest",
            Self::RustupTarget => "B: core fetched with `rustup target add`",
            Self::FromSource => "C: core built from the toolchain's sources",
            Self::DebianFromSource => "D: core built with Debian's rustc-web from rust-web-src",
        })
    }
}

/// What a toolchain has of the guest's `core`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Has {
    /// Compiled, for the guest's target.
    pub core: bool,
    /// As source (rust-src).
    pub source: bool,
}

/// Everything the decision depends on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Facts {
    /// The toolchain that cargo would use here.
    pub active: Has,
    /// That toolchain belongs to rustup, so targets can be added to it.
    pub rustup: bool,
    /// Adding the target was tried for this very toolchain, and failed.
    pub rustup_refused: bool,
    /// Debian's compiler, if it is installed and new enough.
    pub debian: Option<Has>,
}

/// The routes worth trying, best first. All but [`Route::RustupTarget`] are
/// sure to work, so the list ends with the first sure one.
pub fn candidates(facts: Facts) -> Vec<Route> {
    if facts.active.core {
        return vec![Route::Installed];
    }
    let mut routes = Vec::new();
    if facts.rustup && !facts.rustup_refused {
        routes.push(Route::RustupTarget);
    }
    if facts.active.source {
        routes.push(Route::FromSource);
    } else if facts.debian.is_some_and(|debian| debian.source) {
        routes.push(Route::DebianFromSource);
    }
    routes
}

/// What a person can do when no route is left.
pub fn remedy(facts: Facts, triple: &str) -> String {
    if facts.rustup {
        format!(
            "run `rustup target add {triple}` or `rustup component add rust-src` and look at what it says"
        )
    } else {
        "install the sources of your Rust (Debian: apt-get install rust-web-src), or Rust from https://rustup.rs".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Has = Has {
        core: false,
        source: false,
    };
    const CORE: Has = Has {
        core: true,
        source: false,
    };
    const SOURCE: Has = Has {
        core: false,
        source: true,
    };

    #[test]
    fn what_is_there_is_used() {
        for rustup in [false, true] {
            let facts = Facts {
                active: CORE,
                rustup,
                debian: Some(SOURCE),
                ..Facts::default()
            };
            assert_eq!(candidates(facts), [Route::Installed]);
        }
    }

    #[test]
    fn rustup_is_asked_before_building() {
        let facts = Facts {
            active: SOURCE,
            rustup: true,
            debian: Some(SOURCE),
            ..Facts::default()
        };
        assert_eq!(candidates(facts), [Route::RustupTarget, Route::FromSource]);
    }

    #[test]
    fn rustup_is_asked_once() {
        let facts = Facts {
            active: SOURCE,
            rustup: true,
            rustup_refused: true,
            debian: None,
        };
        assert_eq!(candidates(facts), [Route::FromSource]);
    }

    #[test]
    fn debians_compiler_is_the_last_resort() {
        let facts = Facts {
            active: NOTHING,
            rustup: true,
            rustup_refused: false,
            debian: Some(SOURCE),
        };
        assert_eq!(
            candidates(facts),
            [Route::RustupTarget, Route::DebianFromSource]
        );
        // Without its sources it is of no use.
        let facts = Facts {
            debian: Some(CORE),
            rustup: false,
            ..facts
        };
        assert!(candidates(facts).is_empty());
    }

    #[test]
    fn debians_compiler_as_the_active_one_builds_from_source() {
        let facts = Facts {
            active: SOURCE,
            debian: Some(SOURCE),
            ..Facts::default()
        };
        assert_eq!(candidates(facts), [Route::FromSource]);
    }

    #[test]
    fn no_route_has_a_remedy() {
        let rustup = Facts {
            rustup: true,
            rustup_refused: true,
            ..Facts::default()
        };
        assert!(candidates(rustup).is_empty());
        assert!(remedy(rustup, "x").contains("rustup target add"));
        assert!(remedy(Facts::default(), "x").contains("rust-web-src"));
    }
}
