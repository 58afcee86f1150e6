/** PHX06xx: the certificate manifest. */
import { error, warning } from "./kind.ts";

export const certificateCodes = {
  PHX0601: error`invalid name in a certificate
    A certificate's name is not a host name, a wildcard or an IPv4 address.
    Correct common_name or sans.`,
  PHX0603: error`invalid owner or permissions
    A certificate's owner is not user:group, or its permissions are not three octal digits.
    Write "owner": "root:root" and "permissions": "640".`,
  PHX0604: error`path used twice
    Two certificates, or a certificate and its key, have the same path.
    Give each file its own path.`,
  PHX0605: error`no certificate for the gateway
    The manifest has no certificate whose files the gateway can read.
    Add one with cert_path and key_path below a mount point of the gateway.`,
  PHX0606: error`gateway cannot read its certificate
    A certificate has the gateway's name, and its files are not below a mount point of the gateway.
    Correct cert_path and key_path, or the gateway's mount_points.`,
  PHX0607: error`ambiguous certificate
    Several certificates could be the gateway's, or Portainer's.
    Keep one of them where the gateway or Portainer can read it.`,
  PHX0608: warning`private key readable by everybody
    A certificate's permissions would let every user read its private key. The key gets 640 at most.
    Write 640, and in "owner" the user or the group that reads the key, as the guest that uses it knows them.`,
  PHX0609: warning`command for an unknown guest
    post_renewal_command runs in a guest that the site does not declare.
    Correct the guest's id, or declare the guest.`,
} as const;
