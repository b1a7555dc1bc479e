use crate::{Bounds, Limits, Refusal, picture::Picture};
pub(super) fn decode(_source: &[u8], _bounds: Bounds, _limits: &Limits) -> Result<Picture, Refusal> {
    Err(Refusal::Unsupported)
}
