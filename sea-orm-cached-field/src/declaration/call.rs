//! Calls of the user's functions. The macro sees neither their parameters nor their results.

use super::BoxError;

/// A function of the user, and the arguments that it is called with.
#[derive(Debug)]
pub struct Call<F, A>(pub F, pub A);

/// A function that takes these arguments.
pub trait Takes {
    /// Its result.
    type Output;

    /// Calls it.
    fn call(self) -> Self::Output;
}

impl<F: FnOnce() -> O, O> Takes for Call<F, ()> {
    type Output = O;

    fn call(self) -> O {
        (self.0)()
    }
}

impl<F: FnOnce(R, D) -> O, R, D, O> Takes for Call<F, (R, D)> {
    type Output = O;

    fn call(self) -> O {
        (self.0)(self.1.0, self.1.1)
    }
}

/// A function that takes other arguments. A method of the value takes precedence over one of its
/// reference. So this trait is used only where [`Takes`] is not implemented.
pub trait TakesOthers {
    /// Stands for the result that it would return.
    fn call(self) -> OtherParameters;
}

// With it, one message says what to write. rustc alone would list what does not fit.
impl<F, A> TakesOthers for &Call<F, A> {
    fn call(self) -> OtherParameters {
        OtherParameters
    }
}

/// The type that takes the place of a result, in messages of the compiler.
#[derive(Debug)]
pub struct OtherParameters;

/// An error that a calculation can return.
#[diagnostic::on_unimplemented(
    message = "a calculation cannot return the error `{Self}`",
    label = "expected an error that is `Send + Sync`, found `{Self}`",
    note = "return `DbErr`, an error of your own that implements `std::error::Error`, or \
            `Box<dyn std::error::Error + Send + Sync>`"
)]
pub trait CalculationError {
    /// The error, whatever its type.
    fn boxed(self) -> BoxError;
}

#[diagnostic::do_not_recommend]
impl<E: Into<BoxError>> CalculationError for E {
    fn boxed(self) -> BoxError {
        self.into()
    }
}

/// Returns the result, whatever the type of its error.
pub fn boxed<T, E: CalculationError>(result: Result<T, E>) -> Result<T, BoxError> {
    result.map_err(CalculationError::boxed)
}
