# casasync_install_package(): what find_package(casasync) reads. The adapters join the export as they are defined.
include(CMakePackageConfigHelpers)

function(casasync_install_package)
  set(folder ${CMAKE_INSTALL_LIBDIR}/cmake/casasync)
  install(TARGETS casasync EXPORT casasync-targets FILE_SET HEADERS)
  install(EXPORT casasync-targets NAMESPACE casasync:: DESTINATION ${folder})
  configure_file(${PROJECT_SOURCE_DIR}/cmake/casasync-config.cmake.in casasync-config.cmake @ONLY)
  # Before 1.0 a minor version may change the interface.
  write_basic_package_version_file(casasync-config-version.cmake COMPATIBILITY SameMinorVersion)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/casasync-config.cmake
                ${CMAKE_CURRENT_BINARY_DIR}/casasync-config-version.cmake
          DESTINATION ${folder})
endfunction()
