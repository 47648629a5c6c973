import type { Effect } from '../../../src/core/effect.ts';

/**
 * Our own reading of what operations of public interfaces do, made from their documentation before the classifier was run on
 * them: names, and nothing else of anybody's data. What is not listed is `otherwise`: a read, or what its method says.
 *
 * Where one could differ: a link that is taken off (`detach`, `untag`, a DELETE) is a delete; a public key that is put on an
 * account is a mint, since it lets somebody in; an invitation is a send; what is put on a timer or in a queue is what it then does.
 */
export type Labels = { otherwise: 'read' | 'method' } & Partial<Record<Effect, string>>;

const SLACK: Labels = {
  otherwise: 'read',
  write: `admin_apps_approve admin_apps_restrict admin_conversations_archive admin_conversations_convertToPrivate
    admin_conversations_create admin_conversations_rename admin_conversations_restrictAccess_addGroup
    admin_conversations_setConversationPrefs admin_conversations_setTeams admin_conversations_unarchive admin_emoji_add
    admin_emoji_addAlias admin_emoji_rename admin_inviteRequests_approve admin_inviteRequests_deny admin_teams_create
    admin_teams_settings_setDefaultChannels admin_teams_settings_setDescription admin_teams_settings_setDiscoverability
    admin_teams_settings_setIcon admin_teams_settings_setName admin_usergroups_addChannels admin_usergroups_addTeams
    admin_users_assign admin_users_setAdmin admin_users_setExpiration admin_users_setOwner admin_users_setRegular
    apps_permissions_request apps_permissions_users_request calls_add calls_end calls_participants_add calls_update
    chat_unfurl chat_update conversations_archive conversations_close conversations_create conversations_join
    conversations_leave conversations_mark conversations_open conversations_rename conversations_setPurpose
    conversations_setTopic conversations_unarchive dialog_open dnd_endDnd dnd_endSnooze dnd_setSnooze files_remote_add
    files_remote_update files_upload pins_add reactions_add reminders_add reminders_complete stars_add
    usergroups_create usergroups_disable usergroups_enable usergroups_update usergroups_users_update users_profile_set
    users_setActive users_setPhoto users_setPresence views_open views_push views_update workflows_stepCompleted
    workflows_stepFailed workflows_updateStep`,
  delete: `admin_conversations_delete admin_conversations_disconnectShared admin_conversations_restrictAccess_removeGroup
    admin_emoji_remove admin_usergroups_removeChannels admin_users_remove admin_users_session_invalidate
    admin_users_session_reset apps_uninstall auth_revoke calls_participants_remove chat_delete chat_deleteScheduledMessage
    conversations_kick files_comments_delete files_delete files_remote_remove files_revokePublicURL pins_remove
    reactions_remove reminders_delete stars_remove users_deletePhoto`,
  send: `admin_conversations_invite admin_users_invite chat_meMessage chat_postEphemeral chat_postMessage chat_scheduleMessage
    conversations_invite files_remote_share files_sharedPublicURL views_publish`,
  mint: 'oauth_access oauth_token oauth_v2_access rtm_connect',
};

const GITHUB: Labels = {
  otherwise: 'method',
  read: `markdown/render markdown/render-raw apps/check-token orgs/list-attestations-bulk users/list-attestations-bulk
    repos/generate-release-notes`,
  delete: `enterprise-team-memberships/bulk-remove enterprise-team-organizations/bulk-remove credentials/revoke
    orgs/delete-attestations-bulk users/delete-attestations-bulk pull-request-stacks/unstack`,
  execute: `agent-tasks/create-task-in-repo actions/re-run-job-for-workflow-run actions/re-run-workflow
    actions/re-run-workflow-failed-jobs actions/create-workflow-dispatch repos/create-dispatch-event checks/rerequest-run
    checks/rerequest-suite repos/request-pages-build repos/create-deployment repos/create-pages-deployment
    codespaces/start-for-authenticated-user codespaces/stop-for-authenticated-user codespaces/stop-in-organization
    migrations/start-for-org migrations/start-for-authenticated-user migrations/start-import repos/test-push-webhook
    code-scanning/create-variant-analysis dependency-graph/generate-sbom-report`,
  send: `apps/redeliver-webhook-delivery orgs/redeliver-webhook-delivery repos/redeliver-webhook-delivery orgs/ping-webhook
    repos/ping-webhook orgs/create-invitation`,
  mint: `apps/create-from-manifest apps/create-installation-access-token apps/reset-token apps/scope-token
    actions/create-registration-token-for-org actions/create-registration-token-for-repo actions/create-remove-token-for-org
    actions/create-remove-token-for-repo actions/generate-runner-jitconfig-for-org actions/generate-runner-jitconfig-for-repo
    users/create-gpg-key-for-authenticated-user users/create-public-ssh-key-for-authenticated-user
    users/create-ssh-signing-key-for-authenticated-user repos/create-deploy-key`,
};

/** Its operations are named by method and path alone. */
const GITLAB: Labels = {
  otherwise: 'method',
  read: 'POST:/v3/ci/lint POST:/v3/internal/allowed',
  delete: 'POST:/v3/projects/{id}/builds/{build_id}/erase',
  execute: `POST:/v3/projects/{id}/(ref/{ref}/)trigger/builds POST:/v3/projects/{id}/builds/{build_id}/play
    POST:/v3/projects/{id}/builds/{build_id}/retry POST:/v3/projects/{id}/pipeline
    POST:/v3/projects/{id}/pipelines/{pipeline_id}/retry
    POST:/v3/projects/{id}/services/mattermost_slash_commands/trigger
    POST:/v3/projects/{id}/services/slack_slash_commands/trigger`,
  send: 'POST:/v3/projects/{id}/share',
  mint: `POST:/v3/session POST:/v3/internal/two_factor_recovery_codes POST:/v3/internal/lfs_authenticate
    POST:/v3/projects/{id}/triggers POST:/v3/projects/{id}/keys POST:/v3/projects/{id}/deploy_keys POST:/v3/user/keys
    POST:/v3/users/{id}/keys`,
};

const AWS_IAM: Labels = {
  otherwise: 'read',
  write: `AddClientIDToOpenIDConnectProvider AddRoleToInstanceProfile AddUserToGroup AttachGroupPolicy AttachRolePolicy
    AttachUserPolicy ChangePassword CreateAccountAlias CreateGroup CreateInstanceProfile CreateOpenIDConnectProvider
    CreatePolicy CreatePolicyVersion CreateRole CreateSAMLProvider CreateServiceLinkedRole CreateUser DeactivateMFADevice
    EnableMFADevice GenerateCredentialReport GenerateOrganizationsAccessReport GenerateServiceLastAccessedDetails
    PutGroupPolicy PutRolePermissionsBoundary PutRolePolicy PutUserPermissionsBoundary PutUserPolicy ResyncMFADevice
    SetDefaultPolicyVersion SetSecurityTokenServicePreferences TagInstanceProfile TagMFADevice TagOpenIDConnectProvider
    TagPolicy TagRole TagSAMLProvider TagServerCertificate TagUser UpdateAccessKey UpdateAccountPasswordPolicy
    UpdateAssumeRolePolicy UpdateGroup UpdateLoginProfile UpdateOpenIDConnectProviderThumbprint UpdateRole
    UpdateRoleDescription UpdateSAMLProvider UpdateSSHPublicKey UpdateServerCertificate UpdateServiceSpecificCredential
    UpdateSigningCertificate UpdateUser`,
  delete: `DeleteAccessKey DeleteAccountAlias DeleteAccountPasswordPolicy DeleteGroup DeleteGroupPolicy DeleteInstanceProfile
    DeleteLoginProfile DeleteOpenIDConnectProvider DeletePolicy DeletePolicyVersion DeleteRole DeleteRolePermissionsBoundary
    DeleteRolePolicy DeleteSAMLProvider DeleteSSHPublicKey DeleteServerCertificate DeleteServiceLinkedRole
    DeleteServiceSpecificCredential DeleteSigningCertificate DeleteUser DeleteUserPermissionsBoundary DeleteUserPolicy
    DeleteVirtualMFADevice DetachGroupPolicy DetachRolePolicy DetachUserPolicy RemoveClientIDFromOpenIDConnectProvider
    RemoveRoleFromInstanceProfile RemoveUserFromGroup UntagInstanceProfile UntagMFADevice UntagOpenIDConnectProvider
    UntagPolicy UntagRole UntagSAMLProvider UntagServerCertificate UntagUser`,
  mint: `CreateAccessKey CreateLoginProfile CreateServiceSpecificCredential CreateVirtualMFADevice
    ResetServiceSpecificCredential UploadSSHPublicKey UploadServerCertificate UploadSigningCertificate`,
};

const AWS_STS: Labels = {
  otherwise: 'read',
  mint: 'AssumeRole AssumeRoleWithSAML AssumeRoleWithWebIdentity GetFederationToken GetSessionToken',
};

/** By corpus: `api` of an operation, `package` of a tool. */
export const LABELS: Readonly<Record<string, Labels>> = {
  slack: SLACK,
  github: GITHUB,
  gitlab: GITLAB,
  'aws-iam': AWS_IAM,
  'aws-sts': AWS_STS,
  '@modelcontextprotocol/server-everything': {
    otherwise: 'read',
    write: 'gzip-file-as-resource toggle-simulated-logging toggle-subscriber-updates',
    execute: 'trigger-long-running-operation simulate-research-query',
  },
  '@modelcontextprotocol/server-filesystem': {
    otherwise: 'read',
    write: 'write_file edit_file create_directory move_file',
  },
  '@modelcontextprotocol/server-memory': {
    otherwise: 'read',
    write: 'create_entities create_relations add_observations',
    delete: 'delete_entities delete_observations delete_relations',
  },
  '@modelcontextprotocol/server-sequential-thinking': { otherwise: 'read' },
  '@modelcontextprotocol/server-github': {
    otherwise: 'read',
    write: `create_or_update_file create_repository push_files create_issue create_pull_request fork_repository create_branch
      update_issue add_issue_comment create_pull_request_review merge_pull_request update_pull_request_branch`,
  },
  '@modelcontextprotocol/server-gitlab': {
    otherwise: 'read',
    write:
      'create_or_update_file create_repository push_files create_issue create_merge_request fork_repository create_branch',
  },
  '@modelcontextprotocol/server-slack': {
    otherwise: 'read',
    write: 'slack_add_reaction',
    send: 'slack_post_message slack_reply_to_thread',
  },
  '@modelcontextprotocol/server-postgres': { otherwise: 'read' },
  '@notionhq/notion-mcp-server': {
    otherwise: 'read',
    write: `API-patch-block-children API-update-a-block API-patch-page API-post-page API-create-a-comment
      API-update-a-data-source API-create-a-data-source API-move-page API-update-page-markdown`,
    delete: 'API-delete-a-block',
  },
  'mongodb-mcp-server': {
    otherwise: 'read',
    write: `create-collection create-index insert-many rename-collection update-many atlas-create-free-cluster
      atlas-create-access-list atlas-create-project atlas-load-sample-dataset atlas-create-cluster
      atlas-pause-resume-cluster atlas-streams-build atlas-upgrade-cluster`,
    delete: 'delete-many disconnect drop-collection drop-database drop-index atlas-streams-teardown',
    execute: 'atlas-streams-manage',
    mint: 'connect atlas-connect-cluster atlas-create-db-user',
  },
  '@playwright/mcp': {
    otherwise: 'read',
    write: 'browser_close browser_resize browser_emulate_media browser_tabs',
    execute: `browser_handle_dialog browser_evaluate browser_file_upload browser_drop browser_fill_form browser_press_key
      browser_type browser_navigate browser_navigate_back browser_run_code_unsafe browser_click browser_drag browser_hover
      browser_select_option`,
  },
  'mcp-server-kubernetes': {
    otherwise: 'read',
    write: `kubectl_apply kubectl_create kubectl_scale kubectl_patch kubectl_rollout kubectl_context kubectl_reconnect
      install_helm_chart upgrade_helm_chart node_management`,
    delete: 'cleanup kubectl_delete uninstall_helm_chart',
    execute: 'port_forward stop_port_forward exec_in_pod kubectl_generic',
  },
  '@sentry/mcp-server': {
    otherwise: 'read',
    write: 'update_issue create_team create_project update_project',
    execute: 'analyze_issue_with_seer',
    mint: 'create_dsn',
  },
  '@circleci/mcp-server-circleci': {
    otherwise: 'read',
    write: 'find_flaky_tests download_usage_api_data',
    execute: 'run_pipeline rerun_workflow run_rollback_pipeline',
  },
  '@hubspot/mcp-server': {
    otherwise: 'read',
    write: `hubspot-batch-create-associations hubspot-batch-create-objects hubspot-batch-update-objects
      hubspot-create-property hubspot-update-property hubspot-create-engagement hubspot-update-engagement`,
  },
  '@elastic/mcp-server-elasticsearch': { otherwise: 'read' },
  '@launchdarkly/mcp-server': {
    otherwise: 'read',
    write: `create-feature-flag update-feature-flag update-ai-config-targeting create-ai-config update-ai-config
      create-ai-config-variation update-ai-config-variation`,
    delete: 'delete-feature-flag delete-ai-config delete-ai-config-variation',
  },
};
