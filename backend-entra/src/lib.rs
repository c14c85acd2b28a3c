//! Microsoft Entra ID through Microsoft Graph v1.0, as a backend of identity-reset.
