//! From [`Backend`](super::Backend) to the functions of each database.

/// Calls the function of this path in the module of the database. With `.await`, awaits it there;
/// with a function before it, passes it what the call returns.
macro_rules! of_database {
    ($backend:expr, $($path:ident)::+ ($($argument:expr),* $(,)?)) => {
        of_database!($backend, std::convert::identity, $($path)::+($($argument),*))
    };
    ($backend:expr, $($path:ident)::+ ($($argument:expr),* $(,)?).await) => {
        match $backend {
            #[cfg(feature = "sqlx-postgres")]
            $crate::backend::Backend::Postgres => {
                $crate::backend::postgres::$($path)::+($($argument),*).await
            }
            #[cfg(feature = "sqlx-mysql")]
            $crate::backend::Backend::MySql => {
                $crate::backend::mysql::$($path)::+($($argument),*).await
            }
            #[cfg(feature = "sqlx-sqlite")]
            $crate::backend::Backend::Sqlite => {
                $crate::backend::sqlite::$($path)::+($($argument),*).await
            }
        }
    };
    ($backend:expr, $then:path, $($path:ident)::+ ($($argument:expr),* $(,)?)) => {
        match $backend {
            #[cfg(feature = "sqlx-postgres")]
            $crate::backend::Backend::Postgres => {
                $then($crate::backend::postgres::$($path)::+($($argument),*))
            }
            #[cfg(feature = "sqlx-mysql")]
            $crate::backend::Backend::MySql => {
                $then($crate::backend::mysql::$($path)::+($($argument),*))
            }
            #[cfg(feature = "sqlx-sqlite")]
            $crate::backend::Backend::Sqlite => {
                $then($crate::backend::sqlite::$($path)::+($($argument),*))
            }
        }
    };
}

/// Calls a function that a single database has, if it is this one. On the others it is
/// `otherwise`.
macro_rules! of_one_database {
    ($backend:expr, Postgres => $($call:tt)*) => {
        of_one_database!("sqlx-postgres", $backend, Postgres, postgres, $($call)*)
    };
    ($backend:expr, MySql => $($call:tt)*) => {
        of_one_database!("sqlx-mysql", $backend, MySql, mysql, $($call)*)
    };
    ($backend:expr, Sqlite => $($call:tt)*) => {
        of_one_database!("sqlx-sqlite", $backend, Sqlite, sqlite, $($call)*)
    };
    (
        $feature:literal, $backend:expr, $database:ident, $module:ident,
        $($path:ident)::+ ($($argument:expr),* $(,)?), otherwise: $otherwise:expr
    ) => {
        of_one_database!(
            $feature, $backend, $database, $module, std::convert::identity,
            $($path)::+($($argument),*), otherwise: $otherwise
        )
    };
    (
        $feature:literal, $backend:expr, $database:ident, $module:ident, $then:path,
        $($path:ident)::+ ($($argument:expr),* $(,)?), otherwise: $otherwise:expr
    ) => {{
        #[cfg(feature = $feature)]
        {
            match $backend {
                $crate::backend::Backend::$database => {
                    $then($crate::backend::$module::$($path)::+($($argument),*))
                }
                #[allow(unreachable_patterns, reason = "it may be the only database")]
                _ => $otherwise,
            }
        }
        #[cfg(not(feature = $feature))]
        {
            let _ = ($backend, $(&$argument),*);
            $otherwise
        }
    }};
}

/// The statements, one or several, that a function renders. It is the one of this path in the
/// module of the database, or that of a single database, where the others need none.
macro_rules! statements {
    ($backend:expr, $database:ident => $($path:ident)::+ ($($argument:expr),* $(,)?)) => {
        of_one_database!(
            $backend,
            $database => $crate::backend::operations::Statements::from,
            $($path)::+($($argument),*),
            otherwise: $crate::backend::operations::Statements::default()
        )
    };
    ($backend:expr, $($path:ident)::+ ($($argument:expr),* $(,)?)) => {
        std::convert::identity::<$crate::backend::operations::Statements>(of_database!(
            $backend,
            $crate::backend::operations::Statements::from,
            $($path)::+($($argument),*)
        ))
    };
}
